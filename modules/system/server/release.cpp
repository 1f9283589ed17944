#include "modules/system/server/release.h"

#include <algorithm>

#include "core/wait/do_events.h"
#include "core/wait/run_in_scheduler.h"
#include "modules/system/call/api_error.h"
#include "modules/system/server/library_users.h"
#include "modules/system/server/load_error.h"
#include "modules/system/server/wait_until.h"

namespace weir {

namespace {

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

std::vector<std::string> in_use_of(const Module& module) {
    try {
        return module.in_use();
    } catch (...) {
        return {"in_use() of '" + module.name() +
                "', which failed: " + current_api_error().message};
    }
}

std::vector<std::string> living_of(const LoaderParts& parts, const ModuleVersion& version) {
    std::vector<std::string> living;
    if (version.module != nullptr) {
        living = in_use_of(*version.module);
        for (const Routine& call : version.module->calls()) {
            living.push_back(describe_wait(call));
        }
        for (const Routine& routine : version.module->routines()) {
            living.push_back(describe_wait(routine));
        }
    }
    if (version.found.library != nullptr && !parts.table.shares_library(version)) {
        for (std::string& user : users_of_code(parts.scheduler(), *version.found.library)) {
            living.push_back(std::move(user));
        }
    }
    if (version.holds != nullptr) {
        for (std::string& held : version.holds->describe()) {
            living.push_back(std::move(held));
        }
    }
    std::ranges::sort(living);
    living.erase(std::unique(living.begin(), living.end()), living.end());
    return living;
}

Task<> Release::destroy(ModuleVersion& version) {
    if (version.module == nullptr) {
        co_return;
    }
    version.module->stop_serving();
    version.module->close_all();
    std::vector<Ref<Queue>>& queues = version.module->queues();
    while (!queues.empty()) {
        const Ref<Queue> queue = queues.front();
        co_await remove_queue_with_events(parts_.scheduler(), queue);
        queues.erase(queues.begin());
    }
    version.module.reset();
}

Task<std::string> Release::let_go(ModuleVersion& version, bool force) {
    co_await destroy(version);
    if (version.found.library != nullptr && !parts_.table.shares_library(version)) {
        drop_events_of(parts_.scheduler(), *version.found.library);
    }
    co_await drain(version, force);
    version.dependencies.clear();
    version.found.type = nullptr;
    version.holds.reset();
    const bool shared = parts_.table.shares_library(version);
    std::shared_ptr<PluginLibrary> library = std::move(version.found.library);
    co_return shared ? std::string() : close_library(std::move(library));
}

// Waits until nothing refers to the library any more.
Task<> Release::drain(ModuleVersion& version, bool force) {
    if (version.found.library == nullptr) {
        co_return;
    }
    Scheduler& scheduler = parts_.scheduler();
    const PluginLibrary& library = *version.found.library;
    const auto unused = [this, &scheduler, &version, &library, force] {
        if (force && !parts_.table.shares_library(version)) {
            drop_events_of(scheduler, library);
            close_routines_of(scheduler, library);
        }
        return living_of(parts_, version).empty();
    };
    // A function of the library that the scheduler calls may have brought us here, and still be on
    // the stack.
    co_await do_events();
    Task<bool> waiting = wait_until(unused, version.common.unload_timeout);
    const bool gone = co_await waiting;
    if (gone) {
        co_return;
    }
    std::vector<std::string> living = living_of(parts_, version);
    if (!force) {
        throw UnloadRefused(version.name, std::move(living));
    }
    for (const std::string& what : living) {
        scheduler.log(LogLevel::error, "the plugin of the module '" + version.name +
                                           "' stays in memory, there still is: " + what);
    }
    parts_.table.pinned.push_back(version.found.library);
}

std::string Release::close_library(std::shared_ptr<PluginLibrary> library) {
    if (library == nullptr) {
        return {};
    }
    std::string why;
    if (library.use_count() != 1) {
        why = library->path() + " is still in memory: this program uses it elsewhere";
    } else {
        why = library->close();
    }
    const auto& pinned = parts_.table.pinned;
    if (!why.empty() && std::ranges::find(pinned, library) == pinned.end()) {
        parts_.scheduler().log(LogLevel::warning, why);
    }
    return why;
}

}  // namespace weir
