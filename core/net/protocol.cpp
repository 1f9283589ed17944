#include "core/net/protocol.h"

#include <algorithm>
#include <utility>

#include "core/net/connection.h"
#include "core/wait/do_events.h"

namespace weir {

std::optional<Duration> standard_backoff(std::size_t n) {
    constexpr std::size_t doublings = 5;
    const std::int64_t seconds = std::int64_t{1} << std::min(n, doublings);
    const std::int64_t further =
        n > doublings ? static_cast<std::int64_t>(std::min<std::size_t>(n - doublings, 10)) * 30
                      : 0;
    return std::chrono::seconds(std::min<std::int64_t>(seconds + further, 300));
}

std::string_view to_string(CloseReason reason) noexcept {
    switch (reason) {
        case CloseReason::closed_by_peer:
            return "closed by the peer";
        case CloseReason::shut_down:
            return "shut down";
        case CloseReason::reset:
            return "reset";
        case CloseReason::idle:
            return "idle for too long";
        case CloseReason::protocol_error:
            return "protocol error";
        case CloseReason::socket_error:
            return "socket error";
    }
    return "unknown";
}

Output Protocol::serialize(Connection&, ConnectionWriteEvent& event) {
    return {std::move(event.bytes), event.end};
}

Task<> Protocol::init(Connection&) {
    co_return;
}

Task<> Protocol::reconnected(Connection&) {
    co_return;
}

Task<> Protocol::input_ended(Connection& connection) {
    co_await do_events();
    connection.hang_up();
}

Task<> Protocol::keepalive(Connection&) {
    co_return;
}

Task<> Protocol::closed(Connection&, CloseReason) {
    co_return;
}

Task<> Protocol::error(Connection& connection, const SocketError& error) {
    connection.scheduler().log(LogLevel::info, connection.describe() + ": " + error.what());
    co_return;
}

Task<> Protocol::not_connected(Connection& client, const SocketError& error) {
    client.scheduler().log(LogLevel::warning, std::string(error.what()) + ": the client gives up");
    co_return;
}

Task<> Protocol::final(Connection&) {
    co_return;
}

Protocol* Protocol::accept(SocketServer&, const SocketAddress&) {
    return this;
}

std::string Protocol::refusal(SocketServer&) {
    return {};
}

Task<> Protocol::server_ended(SocketServer&) {
    co_return;
}

}  // namespace weir
