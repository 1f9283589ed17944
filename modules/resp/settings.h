#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <sys/types.h>

#include "config/settings/settings.h"
#include "modules/system/net/tls_settings.h"

namespace weir::resp {

// An address where the module listens, with what holds for its clients alone.
struct ListenSettings {
    std::string address;
    std::optional<std::string> mode;
    std::optional<std::string> group;
    std::optional<std::vector<std::string>> anonymous;
    std::vector<std::string> owner = {"admin"};
    std::optional<TlsSettings> tls;

    // What the socket depends on, for comparison: other settings may change with a reload.
    std::string socket() const;
    // Returns what a tls:// address serves with. Reads the files. Throws TlsError.
    std::shared_ptr<TlsContext> tls_context() const;

    static config::Settings<ListenSettings> describe();
};

// The settings at module.resp.
struct RespSettings {
    std::vector<std::variant<std::string, ListenSettings>> listen = {"tcp://127.0.0.1:6380"};
    bool owner_socket = true;
    std::optional<std::string> password;
    std::uint32_t max_clients = 10'000;
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

// Reads the permissions of a file from octal digits, as 0660; nothing if they are none.
std::optional<mode_t> file_mode(std::string_view digits);

}  // namespace weir::resp
