#include "core/net/client.h"

#include <string>
#include <utility>

#include "core/net/resolve.h"
#include "core/run/wait.h"
#include "core/wait/timeout.h"

namespace weir {
namespace {

std::optional<Duration> limit(Duration time) noexcept {
    return time > Duration::zero() ? std::optional<Duration>(time) : std::nullopt;
}

}  // namespace

Client::Client(Scheduler& scheduler, Protocol& protocol, std::string_view address)
    : Connection(scheduler, protocol, nullptr), address_(Address::parse(address)) {}

// Connects the first time at once, and each other time after a wait.
Task<bool> Client::open() {
    std::optional<SocketError> error;
    if (!was_connected()) {
        try {
            co_await connect();
            co_return true;
        } catch (const SocketError& failure) {
            error = failure;
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
        } catch (const SocketError& failure) {
            error = failure;
        }
    }
}

// Connects to the first of the addresses that answers. If none does, the error names each with its
// reason: an address that cannot be reached must not hide why another refused.
Task<> Client::connect() {
    const std::optional<Duration> timeout = limit(options().connect_timeout);
    const auto found = co_await execute_with_timeout(timeout, resolve(scheduler(), address_));
    if (!found) {
        throw SocketError("looking up " + address_.text(), UV_ETIMEDOUT);
    }
    std::string tried = "connecting to ";
    int error = 0;
    for (const SocketAddress& address : *found) {
        if (error != 0) {
            tried += ": " + SocketError::reason(error) + "; to ";
        }
        tried += address.text();
        error = UV_ETIMEDOUT;
        try {
            if (co_await execute_with_timeout(timeout, connect_to(address))) {
                co_return;
            }
        } catch (const SocketError& failure) {
            error = failure.code();
        }
    }
    throw SocketError(tried, error);
}

Task<bool> Client::connect_to(SocketAddress address) {
    Stream::Owner stream = Stream::make(scheduler(), address.family(), options().stream);
    const MatcherOf<SocketEvent> changed = stream->matcher(SocketEvent::Type::changed);
    stream->connect(address);
    while (stream->connecting()) {
        stream->want(SocketEvent::Type::changed);
        co_await changed;
    }
    if (stream->connect_error() != 0) {
        throw SocketError("connecting to " + address.text(), stream->connect_error());
    }
    set_stream(std::move(stream));
    co_return true;
}

}  // namespace weir
