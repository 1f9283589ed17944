#include "core/net/connect.h"

#include <optional>
#include <utility>
#include <vector>

#include "core/net/resolve.h"
#include "core/net/socket_error.h"
#include "core/net/socket_stream.h"
#include "core/run/container.h"
#include "core/run/wait.h"
#include "core/wait/timeout.h"

namespace weir {
namespace {

Task<ByteStream::Owner> connect_to(Scheduler& scheduler, SocketAddress address,
                                   StreamOptions options) {
    SocketStream::Owner stream = SocketStream::make(scheduler, address.family(), options);
    const MatcherOf<SocketEvent> changed = stream->matcher(SocketEvent::Type::changed);
    stream->connect(address);
    while (stream->connecting()) {
        stream->want(SocketEvent::Type::changed);
        co_await changed;
    }
    if (stream->connect_error() != 0) {
        throw SocketError("connecting to " + address.text(), stream->connect_error());
    }
    co_return ByteStream::Owner(stream.release());
}

// If no address answers, the error names each with its reason: an address that cannot be reached
// must not hide why another refused.
Task<ByteStream::Owner> connect_to_any(Scheduler& scheduler, std::vector<SocketAddress> addresses,
                                       StreamOptions options, std::optional<Duration> timeout) {
    std::string tried = "connecting to ";
    int error = 0;
    for (const SocketAddress& address : addresses) {
        if (error != 0) {
            tried += ": " + SocketError::reason(error) + "; to ";
        }
        tried += address.text();
        error = UV_ETIMEDOUT;
        try {
            auto stream =
                co_await execute_with_timeout(timeout, connect_to(scheduler, address, options));
            if (stream) {
                co_return std::move(*stream);
            }
        } catch (const SocketError& failure) {
            error = failure.code();
        }
    }
    throw SocketError(tried, error);
}

}  // namespace

Task<ByteStream::Owner> connect(Scheduler& scheduler, Address address, ConnectOptions options) {
    std::optional<Duration> timeout;
    if (options.timeout > Duration::zero()) {
        timeout = options.timeout;
    }
    auto found = co_await execute_with_timeout(timeout, resolve(scheduler, address));
    if (!found) {
        throw SocketError("looking up " + address.text(), UV_ETIMEDOUT);
    }
    ByteStream::Owner stream =
        co_await connect_to_any(scheduler, std::move(*found), options.stream, timeout);
    if (address.tls) {
        if (options.tls == nullptr) {
            options.tls = TlsContext::client();
        }
        stream = options.tls->connect(std::move(stream),
                                      address.host.empty() ? "localhost" : address.host);
        co_await stream->open(timeout ? scheduler.now() + *timeout : no_deadline);
    }
    co_return stream;
}

Task<ByteStream::Owner> connect(std::string address, ConnectOptions options) {
    Scheduler& scheduler = (co_await this_routine()).scheduler();
    co_return co_await connect(scheduler, Address::parse(address), std::move(options));
}

}  // namespace weir
