#include <algorithm>
#include <map>
#include <typeinfo>

#include "config/duration.h"
#include "core/do_events.h"
#include "core/execute_all.h"
#include "core/syscall.h"
#include "core/timeout.h"
#include "modules/loader.h"
#include "modules/loader_change.h"

namespace weir {

namespace {

// How often, within the time that it may take, one looks whether something has gone.
constexpr int looks = 50;

bool is_of(const PluginLibrary& library, ApiValue& value) {
    return value.type() != nullptr && library.contains(value.type());
}

// Whether the library's code is needed to destroy the event.
bool is_of(const PluginLibrary& library, Event& event) {
    if (library.contains(&event.type())) {
        return true;
    }
    ApiCall* call = nullptr;
    if (event.is<ModuleApiCall>()) {
        call = event.as<ModuleApiCall>().state.get();
    } else if (event.is<ModuleApiReply>()) {
        call = event.as<ModuleApiReply>().state.get();
    }
    return call != nullptr &&
           (is_of(library, call->parameters) ||
            (call->result && call->result->ok() && is_of(library, call->result->value())));
}

std::vector<std::string> describe_routines(const Container& container) {
    std::vector<std::string> names;
    for (const Routine& routine : container.routines()) {
        names.push_back(routine.describe());
    }
    return names;
}

Matcher matcher_of(const EventType& type) {
    std::vector<IndexValue> path;
    for (const EventType::Level& level : type.levels()) {
        path.push_back(level.fixed);
    }
    return Matcher(path);
}

Task<> remove_queue_with_events(Scheduler& scheduler, Ref<Queue> queue) {
    if (queue->removed()) {
        co_return;
    }
    co_await syscall([&scheduler, queue](const Scheduler::Processor& processor) {
        clear_queue(scheduler, *queue, processor);
        remove_queue(scheduler, *queue, processor);
    });
}

}  // namespace

Task<> Loader::ensure_unloaded(std::string name, std::string reason, bool force) {
    Entry& e = entry(name);
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
            Task<> taking_down = take_down(e, force);
            co_await taking_down;
        } catch (const UnloadRefused& exception) {
            refused = std::current_exception();
            why = exception.what();
        }
        if (refused) {
            Task<> to_succeeded = change_state(e, ModuleState::succeeded, std::move(why));
            co_await to_succeeded;
            std::rethrow_exception(refused);
        }
    }
    Task<> going = let_go(e, force);
    co_await going;
    if (!e.reloading) {
        e.by_name = false;
    }
    Task<> to_unloaded = change_state(e, ModuleState::unloaded, std::move(reason));
    co_await to_unloaded;
    unclaimed_.look_again();
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

// Gives the module the time to get ready to go.
Task<> Loader::take_down(Entry& e, bool force) {
    bool ended = true;
    try {
        Task<> unloading = e.module->unload();
        ended = co_await execute_with_timeout(e.common.unload_timeout, std::move(unloading));
    } catch (const QuitException&) {
        throw;
    } catch (...) {
        scheduler().log_exception("unload() of the module '" + e.name + "'");
    }
    if (!ended && !force) {
        Names living = describe_routines(*e.module);
        living.insert(living.begin(), "unload(), which did not end within " +
                                          config::duration_text(e.common.unload_timeout));
        throw UnloadRefused(e.name, std::move(living));
    }
}

// Ends all that belongs to the module, and the module.
Task<> Loader::let_go(Entry& e, bool force) {
    if (e.module != nullptr) {
        e.module->stop_serving();
        e.module->close();
        const std::vector<Ref<Queue>> queues = std::move(e.module->queues_);
        for (const Ref<Queue>& queue : queues) {
            Task<> removing = remove_queue_with_events(scheduler(), queue);
            co_await removing;
        }
        e.module.reset();
    }
    Task<> draining = drain(e, force);
    co_await draining;
    e.dependencies.clear();
    e.found.type = nullptr;
    close_library(std::move(e.found.library));
}

// Waits until nothing refers to the library any more.
Task<> Loader::drain(Entry& e, bool force) {
    if (e.found.library == nullptr) {
        co_return;
    }
    for (int look = 0; look != looks; ++look) {
        if (living_of(e).empty()) {
            co_return;
        }
        if (force) {
            std::vector<Ref<Routine>> to_close;
            for (Subscriber& subscriber : scheduler().subscribers()) {
                auto* routine = dynamic_cast<Routine*>(&subscriber);
                if (routine != nullptr &&
                    e.found.library->contains(routine->started_at().file_name())) {
                    to_close.emplace_back(routine);
                }
            }
            for (const Ref<Routine>& routine : to_close) routine->close();
        }
        if (look < 3) {
            co_await do_events();
        } else {
            co_await sleep(Duration(e.common.unload_timeout) / looks);
        }
    }
    Names living = living_of(e);
    if (living.empty()) {
        co_return;
    }
    if (!force) {
        throw UnloadRefused(e.name, std::move(living));
    }
    for (const std::string& what : living) {
        scheduler().log(LogLevel::error, "the plugin of the module '" + e.name +
                                             "' stays in memory, there still is: " + what);
    }
    pinned_.push_back(e.found.library);
}

// What needs the library's code. Its events are dropped: nobody is left to process them.
Loader::Names Loader::living_of(const Entry& e) const {
    const PluginLibrary& library = *e.found.library;
    Names living;
    for (const Subscriber& subscriber : scheduler().subscribers()) {
        if (const auto* routine = dynamic_cast<const Routine*>(&subscriber)) {
            if (library.contains(routine->started_at().file_name())) {
                living.push_back(routine->describe());
            }
        } else if (library.contains(&typeid(subscriber))) {
            living.push_back(std::string("a ") + typeid(subscriber).name());
        }
    }
    std::map<const EventType*, std::size_t> events;
    scheduler().queue().for_each([&](Event& event) {
        if (is_of(library, event)) {
            event.set_ignorable();
            ++events[&event.type()];
        }
    });
    for (const auto& [type, count] : events) {
        if (library.contains(type)) {
            scheduler().ignore(matcher_of(*type));
        }
        living.push_back(std::to_string(count) + " events " + type->name() + " in the queues");
    }
    return living;
}

void Loader::close_library(std::shared_ptr<PluginLibrary> library) {
    if (library == nullptr || library.use_count() != 1) {
        return;
    }
    if (const std::string why = library->close(); !why.empty()) {
        scheduler().log(LogLevel::warning, why);
    }
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
