#include <algorithm>
#include <chrono>
#include <new>

#include "config/settings/duration.h"
#include "core/wait/do_events.h"
#include "core/wait/execute_all.h"
#include "core/wait/run_in_scheduler.h"
#include "core/wait/timeout.h"
#include "modules/system/server/library_users.h"
#include "modules/system/server/loader.h"
#include "modules/system/server/loader_change.h"

namespace weir {

namespace {

std::vector<std::string> describe_routines(const List<Routine, Container>& routines) {
    std::vector<std::string> names;
    for (const Routine& routine : routines) {
        names.push_back(describe_wait(routine));
    }
    return names;
}

Task<> remove_queue_with_events(Scheduler& scheduler, Ref<Queue> queue) {
    if (queue->removed()) {
        co_return;
    }
    auto remove = [&scheduler, queue](const Scheduler::Processor& processor) {
        clear_queue(scheduler, *queue, processor);
        remove_queue(scheduler, *queue, processor);
    };
    co_await run_in_scheduler(std::move(remove));
}

}  // namespace

Task<bool> wait_until(std::function<bool()> holds, std::optional<Duration> timeout) {
    const Routine& self = co_await this_routine();
    Scheduler& scheduler = self.scheduler();
    const Time began = scheduler.now();
    // Most of what is waited for goes within a few rounds; the rest may take its time.
    for (Duration pause = std::chrono::milliseconds(1);;) {
        for (int i = 0; i != 3; ++i) {
            if (holds()) {
                co_return true;
            }
            co_await do_events();
        }
        const Duration waited = scheduler.now() - began;
        if (holds()) {
            co_return true;
        }
        if (timeout && waited >= *timeout) {
            co_return false;
        }
        co_await sleep(timeout ? std::min(pause, *timeout - waited) : pause);
        pause = std::min<Duration>(pause * 2, std::chrono::milliseconds(100));
    }
}

Task<> Loader::ensure_unloaded(std::string name, std::string reason, bool force) {
    Entry& e = entry(name);
    while (e.reloading) {
        Task<bool> waiting = wait_until([&e] { return !e.reloading; });
        co_await waiting;
    }
    while (e.loading || (e.unloading && force)) {
        Task<> ending = wait_for_end(e.loading ? *e.loading : *e.unloading);
        co_await ending;
    }
    if (!e.unloading) {
        if (!is_there(e)) {
            co_return;
        }
        RoutineFuture<> begun(*this, run_unload(e, std::move(reason), force),
                              {.name = "unloading " + name});
        e.unloading = begun;
    }
    const Future<> unloading = *e.unloading;
    co_await unloading;
}

// Says what went wrong; "" if nothing did.
Task<std::string> Loader::try_unload(std::string name, std::string reason, bool force) {
    std::string failure;
    try {
        Task<> unloading = ensure_unloaded(std::move(name), std::move(reason), force);
        co_await unloading;
    } catch (const LoadException& exception) {
        failure = exception.what();
    }
    co_return failure;
}

Task<> Loader::run_unload(Entry& e, std::string reason, bool force) {
    const Ending ending(e.unloading);
    if (!force) {
        Names in_use;
        for (const std::string& name : with_all_users({e.name})) {
            const Entry& user = entry(name);
            if (user.module == nullptr) {
                continue;
            }
            for (std::string& what : user.module->in_use()) {
                in_use.push_back(name == e.name ? std::move(what) : name + ": " + what);
            }
        }
        if (!in_use.empty()) {
            throw UnloadRefused(e.name, std::move(in_use));
        }
    }
    if (e.state != ModuleState::unloading) {
        Task<> to_unloading = change_state(e, ModuleState::unloading, reason);
        co_await to_unloading;
    }
    if (e.module != nullptr) {
        std::exception_ptr refused;
        std::string why;
        try {
            Task<> unloading_users = unload_users(e, force);
            co_await unloading_users;
            e.module->stop_serving();
            if (!force) {
                Task<> ending_calls = end_calls(e);
                co_await ending_calls;
            }
            Task<> taking_down = take_down(e, force);
            co_await taking_down;
        } catch (const UnloadRefused& exception) {
            refused = std::current_exception();
            why = exception.what();
        }
        if (refused) {
            e.module->serve();
            Task<> to_succeeded = change_state(e, ModuleState::succeeded, std::move(why));
            co_await to_succeeded;
            std::rethrow_exception(refused);
        }
    }
    Task<> ending_leaving = end_leaving(e, force);
    co_await ending_leaving;
    std::string kept;
    Task<> going = let_go(e, force, kept);
    co_await going;
    e.by_name = false;
    if (!kept.empty()) {
        reason += "; " + kept;
    }
    Task<> to_unloaded = change_state(e, ModuleState::unloaded, std::move(reason));
    co_await to_unloaded;
    fallback_.look_again();
    unload_unused_services();
}

Task<> Loader::unload_users(Entry& e, bool force) {
    std::vector<Task<std::string>> unloading;
    for (const std::string& name : users_of(e.name)) {
        unloading.push_back(try_unload(name, "it depends on '" + e.name + "'", force));
    }
    if (unloading.empty()) {
        co_return;
    }
    Task<std::vector<std::string>> all = execute_all(*this, std::move(unloading));
    Names failures = co_await all;
    std::erase(failures, "");
    if (!failures.empty()) {
        throw UnloadRefused(e.name, std::move(failures));
    }
}

// Waits for the calls that are under way, and for what others hold of the module; calls that take
// longer than they may are cancelled.
Task<> Loader::end_calls(Entry& e) {
    const Module& module = *e.module;
    Task<bool> waiting =
        wait_until([&module] { return module.calls().empty() && module.holds_->empty(); },
                   e.common.drain_timeout);
    co_await waiting;
    if (Names held = module.holds_->describe(); !held.empty()) {
        throw UnloadRefused(e.name, std::move(held));
    }
    for (const std::string& call : describe_routines(module.calls())) {
        scheduler().log(LogLevel::warning, "a call is cancelled, for the module '" + e.name +
                                               "' is unloaded: " + call);
    }
    e.module->calls_.close();
}

// Ends older versions of the module that still run.
Task<> Loader::end_leaving(Entry& e, bool force) {
    const auto gone = [this, &e] {
        return std::none_of(leaving_.begin(), leaving_.end(),
                            [&e](const Leaving& leaving) { return leaving.name == e.name; });
    };
    for (Leaving& leaving : leaving_) {
        if (leaving.name != e.name) {
            continue;
        }
        leaving.at_once = true;
        if (leaving.routine == nullptr || leaving.routine->ended()) {
            begin_leaving(leaving);  // the scheduler had quit
        }
    }
    Task<bool> waiting = wait_until(gone, e.common.drain_timeout + 2 * e.common.unload_timeout);
    const bool ended = co_await waiting;
    if (ended || force) {
        co_return;
    }
    Names living;
    for (const Leaving& leaving : leaving_) {
        if (leaving.name == e.name) {
            for (std::string& what : living_of(leaving)) {
                living.push_back("in an older version, " + std::move(what));
            }
        }
    }
    throw UnloadRefused(e.name, std::move(living));
}

// Gives the module the time to get ready to go.
Task<> Loader::take_down(Entry& e, bool force) {
    bool ended = true;
    bool out_of_memory = false;
    try {
        Task<> unloading = e.module->unload();
        ended = co_await execute_with_timeout(e.common.unload_timeout, std::move(unloading));
    } catch (const QuitException&) {
        throw;
    } catch (const std::bad_alloc&) {
        out_of_memory = true;
    } catch (...) {
        scheduler().log_exception("unload() of the module '" + e.name + "'");
    }
    if (out_of_memory && force) {
        scheduler().log(LogLevel::error, "unload() of the module '" + e.name + "' had no memory");
    } else if (out_of_memory) {
        throw UnloadRefused(e.name, {"unload(), which had no memory"});
    }
    if (!ended && !force) {
        Names living = describe_routines(e.module->routines());
        living.insert(living.begin(), "unload(), which did not end within " +
                                          config::duration_text(e.common.unload_timeout));
        throw UnloadRefused(e.name, std::move(living));
    }
}

// Ends all that belongs to the version, and its module.
Task<> Loader::destroy(Version& version) {
    if (version.module == nullptr) {
        co_return;
    }
    version.module->stop_serving();
    version.module->close_all();
    std::vector<Ref<Queue>>& queues = version.module->queues_;
    while (!queues.empty()) {
        const Ref<Queue> queue = queues.front();
        Task<> removing = remove_queue_with_events(scheduler(), queue);
        co_await removing;
        queues.erase(queues.begin());
    }
    version.module.reset();
}

// Destroys the version and lets its library go. `kept` says why that is still in memory, if it is.
Task<> Loader::let_go(Version& version, bool force, std::string& kept) {
    Task<> destroying = destroy(version);
    co_await destroying;
    if (version.found.library != nullptr) {
        drop_events_of(scheduler(), *version.found.library);
    }
    Task<> draining = drain(version, force);
    co_await draining;
    version.dependencies.clear();
    version.found.type = nullptr;
    version.holds.reset();
    kept = close_library(std::move(version.found.library));
}

// Waits until nothing refers to the library any more.
Task<> Loader::drain(Version& version, bool force) {
    if (version.found.library == nullptr) {
        co_return;
    }
    const PluginLibrary& library = *version.found.library;
    const auto unused = [this, &version, &library, force] {
        if (force) {
            drop_events_of(scheduler(), library);
            close_routines_of(scheduler(), library);
        }
        return living_of(version).empty();
    };
    // What has brought us here, as a function that the scheduler calls, may still be on the stack.
    co_await do_events();
    Task<bool> waiting = wait_until(unused, version.common.unload_timeout);
    const bool gone = co_await waiting;
    if (gone) {
        co_return;
    }
    Names living = living_of(version);
    if (!force) {
        throw UnloadRefused(version.name, std::move(living));
    }
    for (const std::string& what : living) {
        scheduler().log(LogLevel::error, "the plugin of the module '" + version.name +
                                             "' stays in memory, there still is: " + what);
    }
    pinned_.push_back(version.found.library);
}

// What needs the version's code, or its module.
Loader::Names Loader::living_of(const Version& version) const {
    Names living;
    if (version.module != nullptr) {
        living = describe_routines(version.module->calls());
        for (std::string& routine : describe_routines(version.module->routines())) {
            living.push_back(std::move(routine));
        }
    }
    if (version.found.library != nullptr) {
        for (std::string& user : users_of_code(scheduler(), *version.found.library)) {
            living.push_back(std::move(user));
        }
    }
    if (version.holds != nullptr) {
        for (std::string& held : version.holds->describe()) {
            living.push_back(std::move(held));
        }
    }
    std::sort(living.begin(), living.end());
    living.erase(std::unique(living.begin(), living.end()), living.end());
    return living;
}

std::string Loader::close_library(std::shared_ptr<PluginLibrary> library) {
    if (library == nullptr) {
        return {};
    }
    std::string why;
    if (library.use_count() != 1) {
        why = library->path() + " is still in memory: this program uses it elsewhere";
    } else {
        why = library->close();
    }
    if (!why.empty() && std::find(pinned_.begin(), pinned_.end(), library) == pinned_.end()) {
        scheduler().log(LogLevel::warning, why);
    }
    return why;
}

void Loader::unload_unused_services() {
    if (reloading_) {
        return;
    }
    for (auto& [name, e] : entries_) {
        if (e.state == ModuleState::succeeded && is_service(e) && !e.by_name && !e.unloading &&
            users_of(name).empty()) {
            start(ensure_unloaded(name, "nobody uses it any more", false),
                  {.name = "unloading " + name});
        }
    }
}

}  // namespace weir
