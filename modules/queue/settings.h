#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "config/settings/settings.h"
#include "modules/system/call/retry_settings.h"

namespace weir {
class AppCheck;
}

// The settings at module.queue, as an app file has them.
namespace weir::jobs {

struct LineSettings {
    std::string description;
    std::chrono::milliseconds visibility = std::chrono::minutes(1);
    RetrySettings retry;
    std::uint32_t max_jobs = 10'000;
    std::uint32_t max_dead = 1'000;

    static config::Settings<LineSettings> describe();
};

struct QueueSettings {
    std::optional<std::string> file;
    std::map<std::string, LineSettings> queues;
    config::ByteSize max_data = config::kibibytes(64);
    config::ByteSize max_size = config::mebibytes(256);

    static config::Settings<QueueSettings> describe();
};

// Reports what would hinder a start.
void check_app(const AppCheck& app);

}  // namespace weir::jobs
