#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "config/settings/configuration.h"
#include "config/settings/settings.h"
#include "core/queue/queue.h"

namespace weir {

struct ModuleQueueKind;

// The names of the kinds of queues that are there without any module.
const std::vector<std::string>& standard_queue_kinds();

// A queue that the configuration adds to the queue tree, at `server.queues` or within another.
struct QueueSettings {
    std::string event;
    std::map<std::string, std::variant<std::int64_t, std::string>> index;
    std::string name;
    int priority = 400;
    std::string kind = "fifo";
    std::optional<config::Value> kind_settings;
    std::string key;
    std::optional<std::uint32_t> limit;
    std::optional<std::uint32_t> total_limit;
    std::optional<std::uint32_t> limit_per_key;
    std::uint32_t kept_for_new = 1;
    std::vector<QueueSettings> queues;

    static config::Settings<QueueSettings> describe();
};

// The limit; `unlimited` if there is none. (value_or would make it a limit of 32 bits.)
inline std::size_t limit_of(const std::optional<std::uint32_t>& limit) noexcept {
    return limit ? *limit : unlimited;
}

// How the queue is made, but for its name and matcher. `kind` is its kind if a module brings that;
// null: it is one of the standard kinds. Requires that the settings were checked.
QueueOptions queue_options(const QueueSettings& settings, const ModuleQueueKind* kind);

// The matcher of the queue's events, of the given type. Throws std::invalid_argument if the type
// has no such index.
Matcher queue_matcher(const QueueSettings& settings, const EventType& type);

}  // namespace weir
