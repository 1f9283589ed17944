#include "modules/lock/plugin/api.h"

namespace weir::lock_api {

using config::setting;
using config::settings;
using std::chrono::milliseconds;

config::Settings<OpenSession> OpenSession::describe() {
    return settings<OpenSession>(
        "Opens a session, which owns the locks that are taken with it",
        setting("name", &OpenSession::name, "For listings"),
        setting("time_to_live", &OpenSession::time_to_live,
                "When it was neither used nor renewed for so long, its locks are given back")
            .at_least(milliseconds(1)));
}

config::Settings<Session> Session::describe() {
    return settings<Session>(
        "A session", setting("session", &Session::session, "As open_session answered").required());
}

config::Settings<SessionInfo> SessionInfo::describe() {
    using S = SessionInfo;
    return settings<S>(
        "A session", setting("session", &S::session, "Its id, which the other functions take"),
        setting("name", &S::name, "For listings"),
        setting("time_to_live", &S::time_to_live, "From its last use on"),
        setting("left", &S::left, "Of that"), setting("locks", &S::locks, "How many it holds"));
}

config::Settings<Acquire> Acquire::describe() {
    return settings<Acquire>(
        "Waits until the session holds the lock; gives its fencing token, or null if the time was "
        "over before",
        setting("session", &Acquire::session, "Whose the lock will be").required(),
        setting("key", &Acquire::key, "Which lock").not_empty().required(),
        setting("context", &Acquire::context, "Of which context"),
        setting("timeout", &Acquire::timeout,
                "How long to wait; null: as long as the call may take"));
}

config::Settings<SessionKey> SessionKey::describe() {
    return settings<SessionKey>(
        "A lock of a session",
        setting("session", &SessionKey::session, "Whose the lock is, or will be").required(),
        setting("key", &SessionKey::key, "Which lock").not_empty().required(),
        setting("context", &SessionKey::context, "Of which context"));
}

config::Settings<Pattern> Pattern::describe() {
    return settings<Pattern>("Lists the keys that are held or waited for, by whom, and since when",
                             setting("pattern", &Pattern::pattern, "Which keys, with * and ?"));
}

config::Settings<SizedSemaphore> SizedSemaphore::describe() {
    using S = SizedSemaphore;
    return settings<S>("Lets several hold a key at a time",
                       setting("key", &S::key, "Which key").not_empty().required(),
                       setting("context", &S::context, "Of which context"),
                       setting("size", &S::size, "How many").at_least(1).required());
}

config::Settings<NamedSemaphore> NamedSemaphore::describe() {
    using S = NamedSemaphore;
    return settings<S>(
        "From now on as many may hold the key as the settings say; what is held stays held",
        setting("key", &S::key, "Which key").not_empty().required(),
        setting("context", &S::context, "Of which context"));
}

}  // namespace weir::lock_api
