#include "modules/lock/plugin/module_settings.h"

#include <algorithm>

namespace weir {

using config::setting;
using config::settings;

namespace {

std::string wrong_backend(const LockModuleSettings::Backend& backend) {
    if (backend.zookeeper && backend.lockd) {
        return "names both zookeeper and lockd, of which one can decide about locks";
    }
    return backend.zookeeper || backend.lockd ? "" : "names none: expected zookeeper or lockd";
}

std::string wrong_patterns(const std::vector<std::string>& patterns) {
    const bool too_long = std::ranges::any_of(patterns, [](const std::string& pattern) {
        return pattern.empty() || pattern.size() > KeyPattern::longest;
    });
    return too_long ? "has a pattern that is empty, or longer than " +
                          std::to_string(KeyPattern::longest) + " bytes"
                    : "";
}

}  // namespace

config::Settings<LockModuleSettings::Semaphore> LockModuleSettings::Semaphore::describe() {
    return settings<Semaphore>(
        "Makes a semaphore of each key that matches",
        setting("keys", &Semaphore::keys, "Pattern of the keys, with * and ?")
            .length(1, KeyPattern::longest),
        setting("size", &Semaphore::size, "How many may hold a key at a time").at_least(1));
}

config::Settings<LockModuleSettings::LongestHold> LockModuleSettings::LongestHold::describe() {
    return settings<LongestHold>(
        "Takes a lock away from a holder that does not give it back",
        setting("keys", &LongestHold::keys, "Pattern of the keys, with * and ?")
            .length(1, KeyPattern::longest),
        setting("time", &LongestHold::time, "How long a key may be held")
            .at_least(std::chrono::milliseconds(1))
            .required());
}

config::Settings<LockModuleSettings::Backend> LockModuleSettings::Backend::describe() {
    return settings<Backend>(
        "What decides about locks, beside this process",
        setting("zookeeper", &Backend::zookeeper,
                "Servers of ZooKeeper, by which processes on many machines share the locks")
            .fixed(),
        setting("lockd", &Backend::lockd, "A lockd, by which several processes share the locks")
            .check(redis::wrong_connection)
            .fixed());
}

config::Settings<LockModuleSettings::Context> LockModuleSettings::Context::describe() {
    return settings<Context>(
        "A context with keys of its own",
        setting("semaphores", &Context::semaphores,
                "Keys that several may hold, as shared locks; the first entry that matches counts"),
        setting("longest_holds", &Context::longest_holds,
                "Keys that are lost when they were held for too long; the first entry that matches "
                "counts"),
        setting("max_waiters_per_key", &Context::max_waiters_per_key,
                "How many may wait for one key; null: any number")
            .at_least(1)
            .unit("waiters"));
}

config::Settings<LockModuleSettings> LockModuleSettings::describe() {
    using S = LockModuleSettings;
    return settings<S>(
        "Gives out locks and semaphores",
        setting("backend", &S::backend,
                "What decides about locks beside this process, if many share them; null: nothing")
            .check(wrong_backend)
            .fixed(),
        setting("priority", &S::priority, "Priority of the lock queue in the queue tree")
            .range(0, 10'000)
            .fixed(),
        setting("max_waiters_per_key", &S::max_waiters_per_key,
                "How many may wait for one key; null: any number")
            .at_least(1)
            .unit("waiters"),
        setting("max_waiters", &S::max_waiters, "How many may wait in all; null: any number")
            .at_least(1)
            .unit("waiters"),
        setting("on_deadlock", &S::on_deadlock,
                "What to do when owners of locks wait for each other in a circle: nothing, report "
                "it, or report it and fail the wait that began last"),
        setting("separate_contexts", &S::separate_contexts,
                "Whether the keys of different contexts are different; false: as in VLCP, contexts "
                "share their keys unless `contexts` names them")
            .fixed(),
        setting("contexts", &S::contexts,
                "Settings of contexts by name; each context named here has keys of its own"),
        setting("watched", &S::watched,
                "Patterns of keys, with * and ?, in all contexts: whenever one is held or waited "
                "for by others than before, a weir.LockChanged is sent")
            .check(wrong_patterns),
        setting("max_sessions", &S::max_sessions,
                "How many sessions may be open, those of clients of http among them")
            .unit("sessions"),
        setting("max_sessions_of_one", &S::max_sessions_of_one,
                "How many of them one user may have open, and one address from which clients "
                "connect without a login; null: a tenth of max_sessions")
            .at_least(1)
            .unit("sessions"),
        setting("max_semaphores", &S::max_semaphores,
                "How many semaphores clients may create, all together")
            .unit("semaphores"),
        setting("max_semaphores_of_one", &S::max_semaphores_of_one,
                "How many of them one user may have made, and one address from which clients "
                "connect without a login; null: a tenth of max_semaphores")
            .at_least(1)
            .unit("semaphores"),
        setting("semaphore_idle_timeout", &S::semaphore_idle_timeout,
                "A semaphore that a client created is destroyed when its key was neither held nor "
                "waited for that long; 0: never"),
        setting("max_time_to_live", &S::max_time_to_live,
                "The longest time_to_live that a client may choose for its session")
            .at_least(std::chrono::milliseconds(1)),
        setting("max_key", &S::max_key, "The longest key, and context, that a client may choose")
            .range(config::ByteSize{16}, config::mebibytes(1)),
        setting("max_held", &S::max_held,
                "Memory for all locks that clients hold or wait for; each counts 1 KiB, and "
                "its key and its context twice")
            .at_least(config::mebibytes(1)),
        setting("max_held_of_one", &S::max_held_of_one,
                "How much of it one user may take, and one address from which clients connect "
                "without a login; null: a tenth of max_held")
            .at_least(config::kibibytes(64)),
        setting(
            "state_dir", &S::state_dir,
            "Folder in which fencing tokens are reserved, so that they grow across restarts "
            "even if the clock is set back, and in which a session with ZooKeeper is noted, so "
            "that the locks of a process that was killed are free when the next one starts. "
            "null: $STATE_DIRECTORY, which systemd sets, else "
            "$XDG_STATE_HOME/weir, else ~/.local/state/weir, if it can be written; \"\": none, "
            "tokens only start at the clock, and such locks are free after the session's timeout")
            .fixed());
}

LockSettings LockModuleSettings::to_lock_settings() const {
    const auto limit = [](const std::optional<std::uint32_t>& value) {
        return value ? std::size_t{*value} : unlimited;
    };
    LockSettings result;
    result.priority = priority;
    result.max_waiters_per_key = limit(max_waiters_per_key);
    result.max_waiters = limit(max_waiters);
    result.on_deadlock = on_deadlock;
    result.separate_contexts = separate_contexts;
    result.max_semaphores = max_semaphores;
    result.semaphore_idle_timeout = semaphore_idle_timeout;
    result.max_key = max_key.bytes;
    result.max_semaphores_of_one =
        limit(max_semaphores_of_one.value_or(std::max(max_semaphores / 10, 1U)));
    result.max_held = max_held.bytes;
    result.max_held_of_one = max_held_of_one ? max_held_of_one->bytes : max_held.bytes / 10;
    for (const auto& [name, context] : contexts) {
        LockContextSettings& made = result.contexts[name];
        made.max_waiters_per_key = limit(context.max_waiters_per_key);
        for (const Semaphore& semaphore : context.semaphores) {
            made.semaphores.push_back({KeyPattern(semaphore.keys), semaphore.size});
        }
        for (const LongestHold& hold : context.longest_holds) {
            made.longest_holds.push_back({KeyPattern(hold.keys), hold.time});
        }
    }
    return result;
}

}  // namespace weir
