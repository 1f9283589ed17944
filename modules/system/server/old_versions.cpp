#include "modules/system/server/old_versions.h"

#include <optional>
#include <utility>

#include "config/text/joined.h"
#include "core/wait/timeout.h"
#include "modules/system/server/load_error.h"
#include "modules/system/server/wait_until.h"

namespace weir {

void OldVersions::begin_leaving(LeavingVersion& version) {
    version.routine = parts_.routines.start(
        leave(version),
        {.name = "the old version of '" + version.name + "' leaves", .daemon = true});
}

Task<> OldVersions::end_all(const ModuleEntry& entry, bool force) {
    for (LeavingVersion& version : parts_.table.leaving) {
        if (version.name != entry.name) {
            continue;
        }
        version.at_once = true;
        if (version.routine == nullptr || version.routine->ended()) {
            begin_leaving(version);  // the scheduler had quit
        }
    }
    const auto gone = [this, &entry] { return !parts_.table.has_old_version(entry.name); };
    Task<bool> waiting =
        parts_.table.left.until(gone, parts_.scheduler().now() + entry.common.drain_timeout +
                                          2 * entry.common.unload_timeout);
    const bool ended = co_await waiting;
    if (ended || force) {
        co_return;
    }
    std::vector<std::string> living;
    for (const LeavingVersion& version : parts_.table.leaving) {
        if (version.name == entry.name) {
            for (std::string& what : living_of(parts_, version)) {
                living.push_back("in an older version, " + std::move(what));
            }
        }
    }
    throw UnloadRefused(entry.name, std::move(living));
}

Task<> OldVersions::unload(LeavingVersion& version) {
    if (version.module == nullptr) {
        co_return;  // it was tried before
    }
    try {
        Task<> unloading = version.module->end_work();
        std::optional<Duration> timeout;
        if (version.at_once) {
            timeout = version.common.unload_timeout;
        }
        co_await execute_with_timeout(timeout, std::move(unloading));
    } catch (const QuitException&) {
        throw;
    } catch (...) {
        parts_.scheduler().log_exception("unload() of the old version of the module '" +
                                         version.name + "' ended");
    }
}

// Waits until the condition holds, however long that takes. After a while it logs what the version
// waits for.
Task<> OldVersions::wait_for(LeavingVersion& version, std::function<bool()> holds) {
    Task<bool> waiting = wait_until(holds, version.common.drain_timeout);
    const bool in_time = co_await waiting;
    if (!in_time) {
        parts_.scheduler().log(LogLevel::info,
                               "the old version of the module '" + version.name +
                                   "' stays until this has ended: " +
                                   config::joined(living_of(parts_, version), "; "));
        co_await wait_until(std::move(holds));
    }
}

Task<> OldVersions::leave(LeavingVersion& version) {
    const auto idle = [&version] {
        return version.at_once || version.module == nullptr ||
               (version.module->calls().empty() && version.module->holds()->empty() &&
                in_use_of(*version.module).empty());
    };
    Task<> idling = wait_for(version, idle);
    co_await idling;
    co_await unload(version);
    co_await release_.destroy(version);
    const auto unused = [this, &version] {
        return version.at_once || living_of(parts_, version).empty();
    };
    Task<> draining = wait_for(version, unused);
    co_await draining;
    co_await release_.let_go(version, true);
    parts_.table.leaving.remove_if(
        [&version](const LeavingVersion& other) { return &other == &version; });
    parts_.table.left.notify();
    left_();
}

}  // namespace weir
