#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/settings/settings.h"
#include "core/program/standard_queues.h"
#include "modules/system/call/role.h"
#include "modules/system/event/json_event_types.h"
#include "modules/system/log/settings.h"
#include "modules/system/rights/access.h"
#include "modules/system/server/queue_settings.h"

namespace weir {

// Priorities of the standard queues in the queue tree: the largest is served first.
struct PrioritySettings : StandardPriorities {
    int module_state = 890;
    int module_call = 630;
    int module_reply = 420;
    int module_notification = 410;

    static config::Settings<PrioritySettings> describe();
};

// The settings at `server`.
struct ServerSettings {
    std::vector<std::string> startup;
    std::vector<std::string> plugin_path = {"plugins"};
    std::map<std::string, std::string> proxies;
    std::map<std::string, RoleSettings> roles;
    UsersSettings users;
    std::optional<std::uint32_t> process_events = 1000;
    std::optional<std::uint32_t> queue_limit;
    std::optional<std::uint32_t> queue_total_limit;
    std::uint32_t calls_per_module = 5;
    std::uint32_t calls_kept_for_new = 2;
    std::uint32_t notifications_per_target = 5;
    std::optional<std::chrono::milliseconds> stuck_after = std::chrono::seconds(1);
    std::chrono::milliseconds quit_timeout{5000};
    LogSettings log;
    PrioritySettings priorities;
    JsonEventTypes::Settings events;
    std::vector<QueueSettings> queues;

    static config::Settings<ServerSettings> describe();
};

// What every module has at module.<name>, beside its own settings.
struct CommonModuleSettings {
    std::optional<std::string> plugin;
    std::optional<bool> service;
    std::optional<LogLevel> log_level;
    std::chrono::milliseconds drain_timeout{5000};
    std::chrono::milliseconds unload_timeout{5000};
    std::chrono::milliseconds reload_timeout{30'000};

    static config::Settings<CommonModuleSettings> describe();
};

}  // namespace weir
