#pragma once

#include <chrono>

#include "config/settings/settings.h"
#include "modules/redis/connection_settings.h"

namespace weir::redis {

// The settings of locks that a lockd decides about.
struct LockdLocksSettings : ConnectionSettings {
    LockdLocksSettings() { server = "tcp://127.0.0.1:6380"; }

    std::chrono::milliseconds lease = std::chrono::seconds(10);

    static config::Settings<LockdLocksSettings> describe();
};

}  // namespace weir::redis
