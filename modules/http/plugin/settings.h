#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/settings/settings.h"
#include "modules/http/limits.h"
#include "modules/http/web_socket.h"
#include "modules/system/net/listen_settings.h"

namespace weir::http {

// Of which limit each request of a route needs a ticket.
struct RouteLimitSettings {
    std::string name;
    std::string key = "{user}";
    int priority = 5;

    static config::Settings<RouteLimitSettings> describe();
};

// How answers of a server behind are kept.
struct RouteCacheSettings {
    std::chrono::milliseconds time = std::chrono::seconds(10);
    config::ByteSize max_size = config::mebibytes(16);
    std::vector<std::string> headers;

    static config::Settings<RouteCacheSettings> describe();
};

// What answers at a path: a function, the files of a folder, another server, or another address.
struct RouteSettings {
    std::string path;
    std::string method;
    std::vector<std::string> hosts;
    std::optional<std::string> call;
    std::map<std::string, config::Value> with;
    std::optional<std::string> folder;
    std::string index = "index.html";
    std::optional<std::string> redirect;
    int status = 308;
    std::optional<std::string> proxy;
    std::chrono::milliseconds timeout = std::chrono::seconds(30);
    bool any_path = false;
    std::optional<RouteCacheSettings> cache;
    std::optional<RouteLimitSettings> limit;

    static config::Settings<RouteSettings> describe();

    // Returns the hosts that it answers for; {""}: all.
    std::vector<std::string> hosts_or_all() const;
    // Returns the methods that it answers, beside HEAD and OPTIONS.
    std::vector<std::string> methods() const;
};

// The settings at module.http.
struct HttpSettings {
    Listen listen = {"tcp://127.0.0.1:8080"};
    std::vector<RouteSettings> routes;
    bool gateway = true;
    bool page = false;
    std::vector<std::string> hosts = {"localhost"};
    std::vector<std::string> origins;
    std::map<std::string, std::string> headers;
    std::uint32_t max_clients = 1000;
    std::uint32_t max_clients_per_address = 100;
    config::ByteSize max_target = config::kibibytes(8);
    config::ByteSize max_head = config::kibibytes(32);
    std::uint32_t max_headers = 100;
    config::ByteSize max_body = config::mebibytes(1);
    config::ByteSize compress_from = config::kibibytes(1);
    config::ByteSize max_message = config::mebibytes(1);
    std::chrono::milliseconds first_byte_timeout = std::chrono::seconds(10);
    std::chrono::milliseconds head_timeout = std::chrono::seconds(10);
    std::chrono::milliseconds body_timeout = std::chrono::seconds(30);
    std::chrono::milliseconds whole_body_timeout = std::chrono::minutes(10);
    std::chrono::milliseconds idle_timeout = std::chrono::minutes(1);
    std::chrono::milliseconds write_timeout = std::chrono::seconds(30);
    std::chrono::milliseconds call_timeout = std::chrono::minutes(2);
    std::chrono::milliseconds event_keepalive = std::chrono::seconds(15);
    std::chrono::milliseconds ping_interval = std::chrono::seconds(20);
    std::chrono::milliseconds shutdown_timeout = std::chrono::seconds(3);

    static config::Settings<HttpSettings> describe();

    std::vector<ListenSettings> listeners() const;
    // Returns what is wrong with `page`; "" if nothing is.
    std::string wrong_page() const;
    HttpLimits limits() const;
    WebSocketOptions web_sockets() const;
};

}  // namespace weir::http
