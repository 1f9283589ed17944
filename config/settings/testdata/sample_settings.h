#pragma once

/// Settings like those of a real app, for tests, for the fuzzer and for docs/configuration.md.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "config/settings/catalogue.h"
#include "config/settings/settings.h"

namespace weir::config::sample {

enum class QueueKind { fifo, priority, automatic };

inline EnumNames<QueueKind> names_of(QueueKind) {
    return {{"fifo", QueueKind::fifo},
            {"priority", QueueKind::priority},
            {"auto", QueueKind::automatic}};
}

struct QueueSettings {
    std::string event;
    std::map<std::string, std::variant<std::int64_t, std::string>> index;
    int priority = 400;
    std::optional<std::uint32_t> limit;
    QueueKind kind = QueueKind::fifo;
    std::vector<QueueSettings> queues;

    static Settings<QueueSettings> describe() {
        return settings<QueueSettings>(
            "A queue for some events",
            setting("event", &QueueSettings::event, "The type of the events")
                .not_empty()
                .required(),
            setting("index", &QueueSettings::index, "Values that the events' indices must have"),
            setting("priority", &QueueSettings::priority, "Queues of higher priority go first")
                .range(0, 10'000),
            setting("limit", &QueueSettings::limit, "How many may wait in it; null: any number")
                .at_least(1)
                .unit("events"),
            setting("kind", &QueueSettings::kind, "In which order the events leave"),
            setting("queues", &QueueSettings::queues, "Queues within this one"));
    }
};

struct ServerSettings {
    std::vector<std::string> startup;
    std::vector<std::string> plugin_path = {"plugins"};
    std::optional<int> process_events;
    std::chrono::milliseconds poll_interval{50};
    bool debugging = false;
    std::vector<QueueSettings> queues;

    static Settings<ServerSettings> describe() {
        using std::chrono::milliseconds;
        using std::chrono::seconds;
        return settings<ServerSettings>(
            "What the server itself does",
            setting("startup", &ServerSettings::startup, "Modules to load at the start"),
            setting("plugin_path", &ServerSettings::plugin_path, "Folders that have plugins")
                .not_empty()
                .fixed(),
            setting("process_events", &ServerSettings::process_events,
                    "Events handled between two polls; null: no limit")
                .range(1, 1'000'000)
                .unit("events")
                .alias("processevents"),
            setting("poll_interval", &ServerSettings::poll_interval,
                    "The longest time without a poll")
                .range(milliseconds(1), seconds(10)),
            setting("debugging", &ServerSettings::debugging, "Log each event"),
            setting("queues", &ServerSettings::queues, "Queues beside those of the server"));
    }
};

/// The settings of every module beside its own.
struct ModuleSettings {
    bool service = false;

    static Settings<ModuleSettings> describe() {
        return settings<ModuleSettings>("What every module has",
                                        setting("service", &ModuleSettings::service,
                                                "Keep it when no module uses it any more"));
    }
};

struct LimitSettings {
    std::uint32_t per_key = 1'000;
    std::uint32_t total = 100'000;

    static Settings<LimitSettings> describe() {
        return settings<LimitSettings>(
            "How many may wait",
            setting("per_key", &LimitSettings::per_key, "For one key").at_least(1).unit("waiters"),
            setting("total", &LimitSettings::total, "For all keys").at_least(1).unit("waiters"));
    }
};

struct ContextSettings {
    std::optional<std::chrono::milliseconds> timeout;

    static Settings<ContextSettings> describe() {
        return settings<ContextSettings>(
            "Locks of one context",
            setting("timeout", &ContextSettings::timeout, "The longest wait; null: for ever"));
    }
};

struct LockSettings {
    int priority = 990;
    LimitSettings limits;
    std::map<std::string, int> semaphores;
    std::map<std::string, ContextSettings> contexts;
    Value labels = Value::object();

    static Settings<LockSettings> describe() {
        return settings<LockSettings>(
            "Locks and semaphores by key",
            setting("priority", &LockSettings::priority, "Priority of the queue of locks")
                .range(0, 10'000)
                .fixed(),
            setting("limits", &LockSettings::limits, "How many may wait"),
            setting("semaphores", &LockSettings::semaphores, "Sizes of semaphores by key")
                .at_least(1)
                .unit("places"),
            setting("contexts", &LockSettings::contexts, "What differs for some contexts"),
            setting("labels", &LockSettings::labels, "Anything that you want to keep with it"));
    }
};

inline std::string wrong_address(const std::string& address) {
    return address.find(':') == std::string::npos ? "is not an address as 127.0.0.1:6380" : "";
}

struct RespSettings {
    std::string listen = "127.0.0.1:6380";
    std::optional<std::string> password;
    ByteSize max_argument = mebibytes(1);
    std::chrono::seconds idle_timeout{300};
    double load_factor = 0.75;
    std::optional<std::string> backlog_mode;

    static Settings<RespSettings> describe() {
        return settings<RespSettings>(
            "Serves clients by the Redis protocol",
            setting("listen", &RespSettings::listen, "Where to listen").check(wrong_address),
            setting("password", &RespSettings::password, "What clients must give; null: nothing")
                .length(4, 64)
                .secret(),
            setting("max_argument", &RespSettings::max_argument, "Size of the longest argument")
                .range(ByteSize{64}, mebibytes(64)),
            setting("idle_timeout", &RespSettings::idle_timeout,
                    "A silent client is closed after this time"),
            setting("load_factor", &RespSettings::load_factor, "How full it may get")
                .range(0.0, 1.0),
            setting("backlog_mode", &RespSettings::backlog_mode, "What to do with too many")
                .one_of({"wait", "refuse"}));
    }
};

inline Catalogue catalogue() {
    Catalogue result;
    result.add<ServerSettings>("server");
    result.add<LockSettings>("module.lock");
    result.add<ModuleSettings>("module.lock");
    result.add<RespSettings>("module.resp");
    result.add<ModuleSettings>("module.resp");
    return result;
}

}  // namespace weir::config::sample
