#include "core/net/client.h"

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

// The first time at once, then, and when it connects again, after a wait.
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

// To the first of the addresses that answers.
Task<> Client::connect() {
    const std::optional<Duration> timeout = limit(options().connect_timeout);
    Task<std::vector<SocketAddress>> resolving = resolve(scheduler(), address_);
    const auto found = co_await execute_with_timeout(timeout, std::move(resolving));
    if (!found) {
        throw SocketError("looking up " + address_.text(), UV_ETIMEDOUT);
    }
    std::optional<SocketError> error;
    for (const SocketAddress& address : *found) {
        try {
            Task<bool> connecting = connect_to(address);
            const auto connected = co_await execute_with_timeout(timeout, std::move(connecting));
            if (connected) {
                co_return;
            }
            error.emplace("connecting to " + address.text(), UV_ETIMEDOUT);
        } catch (const SocketError& failure) {
            error = failure;
        }
    }
    throw SocketError(*error);
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
