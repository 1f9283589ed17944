#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/settings/settings.h"
#include "modules/system/net/listen_settings.h"

namespace weir::resp {

// The settings at module.resp.
struct RespSettings {
    Listen listen = {"tcp://127.0.0.1:6380"};
    bool owner_socket = true;
    std::optional<std::string> password;
    std::uint32_t max_clients = 10'000;
    std::uint32_t max_clients_per_address = 5000;
    std::uint32_t max_locks = 10'000;
    std::uint32_t max_watches = 100;
    std::uint32_t max_arguments = 1024;
    config::ByteSize max_argument = config::kibibytes(256);
    config::ByteSize max_request = config::mebibytes(1);
    std::chrono::milliseconds idle_timeout = std::chrono::minutes(5);
    std::chrono::milliseconds write_timeout = std::chrono::seconds(30);
    std::chrono::seconds tcp_keepalive{60};
    std::chrono::milliseconds call_timeout = std::chrono::minutes(2);
    std::chrono::milliseconds shutdown_timeout = std::chrono::seconds(2);
    int priority = 600;

    static config::Settings<RespSettings> describe();

    // The addresses, with the defaults of what they leave out.
    std::vector<ListenSettings> listeners() const;
};

}  // namespace weir::resp
