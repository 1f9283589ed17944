#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "config/settings/settings.h"
#include "modules/redis/client.h"

namespace weir::redis {

// The settings of a connection to a server of the Redis protocol, for modules that have one: a base
// of their own settings.
struct ConnectionSettings {
    std::string server = "tcp://127.0.0.1:6379";
    std::string user;
    std::optional<std::string> password;
    std::optional<std::string> password_file;
    std::chrono::milliseconds connect_timeout = std::chrono::seconds(5);
    std::chrono::milliseconds command_timeout = std::chrono::seconds(10);
    std::chrono::milliseconds longest_pause = std::chrono::seconds(5);
    std::optional<std::string> certificate_authorities;
    std::optional<std::string> certificate;
    std::optional<std::string> key;

    // Reads the files of certificates, for a tls:// server. Without the login. Throws TlsError.
    ClientOptions connection_options() const;
};

// Returns who to log in as. Reads the password's file; throws std::runtime_error if that fails.
Task<Login> read_login(ConnectionSettings settings);

// Returns what is wrong with settings that are right each for itself, or with the files that they
// name; empty: nothing.
std::string wrong_connection(const ConnectionSettings& settings);

// Returns what is wrong with the address of a server; empty: nothing.
std::string wrong_server(const std::string& address);

// Describes S, which is derived from ConnectionSettings: these settings, and then `more`.
template <class S, class... More>
config::Settings<S> describe_connection(std::string sentence, More... more) {
    using config::setting;
    using std::chrono::hours;
    using std::chrono::milliseconds;
    return config::settings<S>(
        std::move(sentence),
        setting("server", &S::server,
                "The server, as tcp://HOST:PORT, tls://HOST:PORT or unix:PATH")
            .check(wrong_server)
            .fixed(),
        setting("user", &S::user, "Who to log in as; empty: the server's default user"),
        setting("password", &S::password, "The password, from the environment: \"${NAME}\"")
            .not_empty()
            .secret(),
        setting("password_file", &S::password_file,
                "A file with the password in its first line; SIGHUP reads it again")
            .not_empty(),
        setting("connect_timeout", &S::connect_timeout,
                "How long it may take to reach the server and to log in")
            .range(milliseconds(1), hours(1))
            .fixed(),
        setting("command_timeout", &S::command_timeout,
                "How long a command waits for its reply, and for a connection")
            .range(milliseconds(1), hours(24))
            .fixed(),
        setting("longest_pause", &S::longest_pause,
                "The longest pause between two attempts to connect; they begin with a short one")
            .range(milliseconds(1), hours(1))
            .fixed(),
        setting("certificate_authorities", &S::certificate_authorities,
                "For a tls:// server: file with the authorities that sign its certificate; null: "
                "those of the system")
            .fixed(),
        setting("certificate", &S::certificate,
                "For a tls:// server that asks for one: file with the certificate to show")
            .fixed(),
        setting("key", &S::key, "The file with its private key; null: in the same file").fixed(),
        std::move(more)...);
}

}  // namespace weir::redis
