#include "modules/lock/plugin/api.h"

#include "modules/lock/key_pattern.h"
#include "modules/lock/listing_size.h"
#include "modules/lock/table.h"

namespace weir::lock_api {

using config::setting;
using config::settings;
using std::chrono::milliseconds;

namespace {

constexpr const char* sentence_of_read =
    "Hold the lock together with others that read, and with none that is exclusive; a key with a "
    "semaphore refuses it";

}  // namespace

config::Settings<OpenSession> OpenSession::describe() {
    return settings<OpenSession>(
        "Opens a session, which owns the locks that are taken with it",
        setting("name", &OpenSession::name, "Name for listings").length(0, 256),
        setting("time_to_live", &OpenSession::time_to_live,
                "A session that is neither used nor renewed for so long ends, and its locks are "
                "given back")
            .at_least(milliseconds(1)));
}

config::Settings<Session> Session::describe() {
    return settings<Session>(
        "A session",
        setting("session", &Session::session, "Id that open_session returned").required());
}

config::Settings<RenewSession> RenewSession::describe() {
    return settings<RenewSession>(
        "Starts the session's time to live anew",
        setting("session", &RenewSession::session, "Id that open_session returned").required(),
        setting("await_loss", &RenewSession::await_loss,
                "Answers only when a lock is taken away from the session, or after that time")
            .at_least(milliseconds(0)),
        setting("key", &RenewSession::key,
                "Key of a lock; if the session does not hold it, this fails, and renews nothing; "
                "null: whatever it holds")
            .not_empty(),
        setting("context", &RenewSession::context, "Context of the key").not_empty());
}

config::Settings<Lost> Lost::describe() {
    return settings<Lost>("A lock that was taken away from the session",
                          setting("key", &Lost::key, "Key of the lock"),
                          setting("context", &Lost::context, "Context of the key"),
                          setting("token", &Lost::token, "Fencing token that it had"),
                          setting("reason", &Lost::reason, "Why, for a person"));
}

config::Settings<SessionInfo> SessionInfo::describe() {
    using S = SessionInfo;
    return settings<S>(
        "A session", setting("session", &S::session, "Id, which the other functions take"),
        setting("name", &S::name, "Name for listings"),
        setting("time_to_live", &S::time_to_live, "How long it lasts after its last use"),
        setting("left", &S::left, "What is left of that time"),
        setting("locks", &S::locks, "Number of locks that it holds"),
        setting("valid_for", &S::valid_for,
                "How long these are certainly held if nothing is renewed; less than what is left "
                "where other servers decide about locks and have confirmed less"),
        setting("lost", &S::lost,
                "Locks that were taken away from it, until it releases them or takes them again"));
}

config::Settings<Acquire> Acquire::describe() {
    return settings<Acquire>(
        "Waits until the session holds the lock; returns its fencing token, or null if the timeout "
        "expired before",
        setting("session", &Acquire::session, "Session that will hold the lock").required(),
        setting("key", &Acquire::key, "Key of the lock").not_empty().required(),
        setting("context", &Acquire::context, "Context of the key").not_empty(),
        setting(
            "shared", &Acquire::shared,
            "Take one slot of the key's semaphore; false: an exclusive lock, which a key with a "
            "semaphore refuses"),
        setting("read", &Acquire::read, sentence_of_read),
        setting("timeout", &Acquire::timeout,
                "How long to wait; null: as long as the call may take"));
}

config::Settings<SessionKey> SessionKey::describe() {
    return settings<SessionKey>(
        "A lock of a session",
        setting("session", &SessionKey::session, "Session that holds the lock").required(),
        setting("key", &SessionKey::key, "Key of the lock").not_empty().required(),
        setting("context", &SessionKey::context, "Context of the key").not_empty());
}

config::Settings<Break> Break::describe() {
    return settings<Break>(
        "Takes the lock away from its holders, who are told that it is lost; returns how many "
        "there were",
        setting("key", &Break::key, "Key of the lock").not_empty().required(),
        setting("context", &Break::context, "Context of the key").not_empty(),
        setting("token", &Break::token,
                "Only from the holder with this fencing token; null: from all"));
}

config::Settings<Try> Try::describe() {
    return settings<Try>(
        "Takes the lock if no other holder has to give it back first; returns its fencing token, "
        "or null",
        setting("session", &Try::session, "Session that will hold the lock").required(),
        setting("key", &Try::key, "Key of the lock").not_empty().required(),
        setting("context", &Try::context, "Context of the key").not_empty(),
        setting(
            "shared", &Try::shared,
            "Take one slot of the key's semaphore; false: an exclusive lock, which a key with a "
            "semaphore refuses"),
        setting("read", &Try::read, sentence_of_read));
}

config::Settings<Pattern> Pattern::describe() {
    return settings<Pattern>(
        "Lists the keys that are held, waited for or have a semaphore, with holders and waiters",
        setting("pattern", &Pattern::pattern, "Which keys, with * and ?")
            .length(0, KeyPattern::longest),
        setting("most", &Pattern::most,
                "How many keys, holders and waiters to list at most, together; null: all, or an "
                "error if more than 10000 keys match. Names of more than 1 MiB in all are an error "
                "either way")
            .range(1, ListingSize::most_keys));
}

config::Settings<SessionPattern> SessionPattern::describe() {
    return settings<SessionPattern>(
        "Lists the sessions that are open; an error if more than 10000 match, or if their names, "
        "and those of locks that they have lost, have more than 1 MiB in all",
        setting("pattern", &SessionPattern::pattern, "Whose names match this, with * and ?")
            .length(0, KeyPattern::longest));
}

config::Settings<SizedSemaphore> SizedSemaphore::describe() {
    using S = SizedSemaphore;
    return settings<S>(
        "Creates a semaphore: up to its size of shared locks hold the key at a time. Refused while "
        "the key is held or waited for",
        setting("key", &S::key, "Key of the semaphore").not_empty().required(),
        setting("context", &S::context, "Context of the key").not_empty(),
        setting("size", &S::size, "How many may hold the key")
            .range(1, LockTable::largest_semaphore)
            .required(),
        setting("made_by", &S::made_by, "Name of the maker, for listings").length(0, 256));
}

config::Settings<ResizedSemaphore> ResizedSemaphore::describe() {
    using S = ResizedSemaphore;
    return settings<S>("Changes the size of a semaphore; what is held stays held",
                       setting("key", &S::key, "Key of the semaphore").not_empty().required(),
                       setting("context", &S::context, "Context of the key").not_empty(),
                       setting("size", &S::size, "How many may hold the key")
                           .range(1, LockTable::largest_semaphore)
                           .required());
}

config::Settings<NamedSemaphore> NamedSemaphore::describe() {
    using S = NamedSemaphore;
    return settings<S>(
        "Destroys a semaphore: from now on as many hold the key as the settings say; what is held "
        "stays held",
        setting("key", &S::key, "Key of the semaphore").not_empty().required(),
        setting("context", &S::context, "Context of the key").not_empty());
}

}  // namespace weir::lock_api
