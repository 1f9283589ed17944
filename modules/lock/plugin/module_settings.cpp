#include "modules/lock/plugin/module_settings.h"

namespace weir {

using config::setting;
using config::settings;

config::Settings<LockModuleSettings::Semaphore> LockModuleSettings::Semaphore::describe() {
    return settings<Semaphore>(
        "How many may hold a key at a time",
        setting("keys", &Semaphore::keys, "Which keys: a text with * and ?").not_empty(),
        setting("size", &Semaphore::size, "So many").at_least(1));
}

config::Settings<LockModuleSettings::Context> LockModuleSettings::Context::describe() {
    return settings<Context>(
        "A context with keys of its own",
        setting("semaphores", &Context::semaphores,
                "Keys that more than one may hold; the first that matches counts"),
        setting("max_waiters_per_key", &Context::max_waiters_per_key,
                "How many may wait for one key; null: any number")
            .at_least(1)
            .unit("waiters"));
}

config::Settings<LockModuleSettings> LockModuleSettings::describe() {
    using S = LockModuleSettings;
    return settings<S>(
        "Gives out locks and semaphores",
        setting("priority", &S::priority, "Of the queue of the locks in the queue tree")
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
                "What is done when all of a circle wait for each other: nothing, a report, or the "
                "wait that began last fails too"),
        setting("separate_contexts", &S::separate_contexts,
                "Whether contexts that are not named here have keys of their own too")
            .fixed(),
        setting("contexts", &S::contexts, "Contexts by name"),
        setting("state_dir", &S::state_dir,
                "Folder in which the numbers of fencing tokens are reserved, so that they grow "
                "across restarts; null: they start at 1")
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
    for (const auto& [name, context] : contexts) {
        LockContextSettings& made = result.contexts[name];
        made.max_waiters_per_key = limit(context.max_waiters_per_key);
        for (const Semaphore& semaphore : context.semaphores) {
            made.semaphores.push_back({KeyPattern(semaphore.keys), semaphore.size});
        }
    }
    return result;
}

}  // namespace weir
