#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "config/settings/settings.h"
#include "modules/redis/connection_settings.h"

namespace weir::redis {

// The settings at module.redis.
struct RedisSettings : ConnectionSettings {
    std::uint32_t database = 0;
    std::chrono::milliseconds ping_interval = std::chrono::seconds(15);
    std::uint32_t max_pending = 10'000;
    config::ByteSize max_reply = config::mebibytes(16);
    std::vector<std::string> channels;
    std::vector<std::string> patterns;
    std::uint32_t max_messages = 1000;

    static config::Settings<RedisSettings> describe();

    // Without the login, and without channels. Throws TlsError.
    ClientOptions options(std::string name) const;
};

}  // namespace weir::redis
