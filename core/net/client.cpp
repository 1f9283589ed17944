#include "core/net/client.h"

#include <utility>

#include "core/net/connect.h"
#include "core/wait/timeout.h"

namespace weir {

Client::Client(Scheduler& scheduler, Protocol& protocol, std::string_view address)
    : Connection(scheduler, protocol, nullptr), address_(Address::parse(address)) {}

// Connects the first time at once, and each other time after a wait.
Task<bool> Client::open() {
    std::optional<SocketError> error;
    if (!was_connected()) {
        try {
            co_await connect();
            co_return true;
        } catch (const StreamError& failure) {
            error.emplace(failure);
        }
        if (!options().persist) {
            throw SocketError(*error);
        }
    }
    for (std::size_t n = 0;; ++n) {
        const std::optional<Duration> wait = options().backoff(n);
        if (!wait) {
            if (error) {
                throw SocketError(*error);
            }
            co_return false;
        }
        co_await sleep(*wait);
        try {
            co_await connect();
            co_return true;
        } catch (const StreamError& failure) {
            error.emplace(failure);
        }
    }
}

Task<> Client::connect() {
    ConnectOptions how{
        .stream = options().stream, .timeout = options().connect_timeout, .tls = options().tls};
    set_stream(co_await weir::connect(scheduler(), address_, std::move(how)));
}

}  // namespace weir
