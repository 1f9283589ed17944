#include "modules/system/server/unload.h"

#include <new>
#include <utility>

#include "config/settings/duration.h"
#include "core/wait/execute_all.h"
#include "core/wait/timeout.h"
#include "modules/system/server/library_users.h"
#include "modules/system/server/load_error.h"
#include "modules/system/server/operation.h"
#include "modules/system/server/wait_until.h"

namespace weir {

Task<> Unload::unload(std::string name, std::string reason, bool force) {
    ModuleEntry& entry = parts_.table.entry(name);
    co_await until_reloaded(parts_.table, entry);
    while (entry.loading || (entry.unloading && force)) {
        const Future<> other = entry.loading ? *entry.loading : *entry.unloading;
        co_await wait_for_end(other);
    }
    if (!entry.unloading) {
        if (!entry.exists()) {
            co_return;
        }
        RoutineFuture<> begun(parts_.routines, run(entry, std::move(reason), force),
                              {.name = "unloading " + name});
        entry.unloading = begun;
    }
    const Future<> unloading = *entry.unloading;
    co_await unloading;
}

Task<std::string> Unload::try_unload(std::string name, std::string reason, bool force) {
    std::string failure;
    try {
        co_await unload(std::move(name), std::move(reason), force);
    } catch (const LoadException& exception) {
        failure = exception.what();
    }
    co_return failure;
}

Task<> Unload::run(ModuleEntry& entry, std::string reason, bool force) {
    const OperationEnd end(entry.unloading);
    if (!force) {
        refuse_if_in_use(entry);
    }
    if (entry.state != ModuleState::unloading) {
        co_await change_state(parts_.scheduler(), parts_.table, entry, ModuleState::unloading,
                              reason);
    }
    if (entry.module != nullptr) {
        co_await end_work(entry, force);
    }
    // An old version may wait for a queue of its kind, which belongs to the module now: the module
    // is destroyed first.
    co_await release_.destroy(entry);
    co_await old_versions_.end_all(entry, force);
    const std::string kept = co_await release_.let_go(entry, force);
    entry.by_name = false;
    if (!kept.empty()) {
        reason += "; " + kept;
    }
    co_await change_state(parts_.scheduler(), parts_.table, entry, ModuleState::unloaded,
                          std::move(reason));
    parts_.fallback.look_again();
    unload_unused_services();
}

void Unload::refuse_if_in_use(const ModuleEntry& entry) {
    std::vector<std::string> in_use;
    for (const std::string& name : parts_.table.with_all_users({entry.name})) {
        const ModuleEntry& user = parts_.table.entry(name);
        if (user.module == nullptr) {
            continue;
        }
        for (std::string& what : in_use_of(*user.module)) {
            in_use.push_back(name == entry.name ? std::move(what) : name + ": " + what);
        }
    }
    if (!in_use.empty()) {
        throw UnloadRefused(entry.name, std::move(in_use));
    }
}

// Ends what the module does. If that is refused the module works on.
Task<> Unload::end_work(ModuleEntry& entry, bool force) {
    std::exception_ptr refused;
    std::string why;
    bool has_begun = false;
    try {
        co_await unload_users(entry, force);
        entry.module->stop_serving();
        if (!force) {
            co_await end_calls(entry);
        }
        has_begun = true;
        co_await prepare(entry, force);
    } catch (const UnloadRefused& exception) {
        refused = std::current_exception();
        why = exception.what();
    }
    if (refused) {
        if (has_begun) {
            entry.module->go_on();
        }
        entry.module->serve();
        co_await change_state(parts_.scheduler(), parts_.table, entry, ModuleState::succeeded,
                              std::move(why));
        std::rethrow_exception(refused);
    }
}

Task<> Unload::unload_users(ModuleEntry& entry, bool force) {
    std::vector<Task<std::string>> unloading;
    for (const std::string& name : parts_.table.users_of(entry.name)) {
        unloading.push_back(try_unload(name, "it depends on '" + entry.name + "'", force));
    }
    if (unloading.empty()) {
        co_return;
    }
    std::vector<std::string> failures = co_await execute_all(parts_.routines, std::move(unloading));
    std::erase(failures, "");
    if (!failures.empty()) {
        throw UnloadRefused(entry.name, std::move(failures));
    }
}

// Waits for the calls that are under way, and for what other code holds of the module. Calls that
// take longer than they may are cancelled.
Task<> Unload::end_calls(ModuleEntry& entry) {
    Module& module = *entry.module;
    const auto idle = [&module] { return module.calls().empty() && module.holds()->empty(); };
    co_await wait_until(idle, entry.common.drain_timeout);
    if (std::vector<std::string> held = module.holds()->describe(); !held.empty()) {
        throw UnloadRefused(entry.name, std::move(held));
    }
    for (const Routine& call : module.calls()) {
        parts_.scheduler().log(LogLevel::warning, "a call is cancelled, for the module '" +
                                                      entry.name +
                                                      "' is unloaded: " + describe_wait(call));
    }
    module.close_calls();
}

Task<> Unload::prepare(ModuleEntry& entry, bool force) {
    Scheduler& scheduler = parts_.scheduler();
    bool ended = true;
    bool out_of_memory = false;
    try {
        ended =
            co_await execute_with_timeout(entry.common.unload_timeout, entry.module->end_work());
    } catch (const QuitException&) {
        throw;
    } catch (const std::bad_alloc&) {
        out_of_memory = true;
    } catch (...) {
        scheduler.log_exception("unload() of the module '" + entry.name + "' ended");
    }
    const bool refusable = !force && !entry.module->unload_committed();
    if (out_of_memory) {
        if (refusable) {
            throw UnloadRefused(entry.name, {"unload(), which had no memory"});
        }
        scheduler.log(LogLevel::error, "unload() of the module '" + entry.name + "' had no memory");
    }
    if (ended) {
        co_return;
    }
    const std::string timeout = config::duration_text(entry.common.unload_timeout);
    if (refusable) {
        std::vector<std::string> living{"unload(), which did not end within " + timeout};
        for (const Routine& routine : entry.module->routines()) {
            living.push_back(describe_wait(routine));
        }
        throw UnloadRefused(entry.name, std::move(living));
    }
    if (!force) {
        scheduler.log(LogLevel::warning, "unload() of the module '" + entry.name +
                                             "' did not end within " + timeout +
                                             ": the module is unloaded nevertheless");
    }
}

void Unload::unload_unused_services() {
    if (parts_.table.reloading) {
        return;
    }
    for (auto& [name, entry] : parts_.table.entries) {
        if (entry.state == ModuleState::succeeded && entry.is_service() && !entry.by_name &&
            !entry.unloading && parts_.table.users_of(name).empty()) {
            parts_.routines.start(unload(name, "no module depends on it any more", false),
                                  {.name = "unloading " + name});
        }
    }
}

}  // namespace weir
