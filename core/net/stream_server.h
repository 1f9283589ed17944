#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <typeinfo>
#include <utility>

#include "core/base/list.h"
#include "core/net/acceptor.h"
#include "core/run/task.h"
#include "core/stream/byte_stream.h"

namespace weir {

class StreamServer;

// A client that a StreamServer has accepted, as its handler sees it: `client->read_line(1024)`.
class StreamClient : public Link<StreamClient, StreamServer> {
public:
    ByteStream& stream() const noexcept { return *stream_; }
    ByteStream* operator->() const noexcept { return stream_.get(); }
    StreamServer& server() const noexcept { return server_; }

    // Waits for the next request: until the client has sent something. Returns false if none
    // comes, because the client has ended its input or the server shuts down. Throws StreamError as
    // reading does.
    //
    // Between two requests a client can be handed to the next version of a module: the handler is
    // unwound here, and the new one starts with the same stream. A handler that keeps nothing
    // across this call therefore loses nothing.
    Task<bool> next(Time deadline = no_deadline);
    // The same for a request of which only the first `there` bytes have come: waits until the input
    // has more, of which it consumes none. The client can be handed on here, too. The server's
    // shutdown does not end the wait.
    Task<bool> more(std::size_t there, Time deadline = no_deadline);

private:
    friend class StreamServer;
    StreamClient(StreamServer& server, ByteStream::Owner stream) noexcept
        : server_(server), stream_(std::move(stream)) {}

    Task<bool> wait_for_input(std::size_t there, bool ends_at_shutdown, Time deadline);

    StreamServer& server_;
    ByteStream::Owner stream_;
    std::uint64_t handler_ = 0;   // the number of the handler that serves it
    bool asks_for_next_ = false;  // its handler calls next()
    Ref<Routine> routine_;
};

// Serves one client: a routine for each. When it returns, the client gets what was written, and is
// closed in order.
using StreamHandler = std::function<Task<>(StreamClient&)>;

// Listens at an address, and starts a routine for each client, which reads and writes in straight
// code.
//
// A handler that throws StreamError, as for a client that went away, is logged at level debug; any
// other exception as an error. Its client is closed, others go on.
class StreamServer final : public Acceptor {
public:
    // Throws AddressError.
    StreamServer(Scheduler& scheduler, std::string_view address, StreamHandler handler,
                 SocketServerOptions options = {}, const StreamOptions& stream = {});
    ~StreamServer() override;

    // Makes another handler serve all clients: those between two requests from now on, the others
    // when they call StreamClient::next().
    void hand_to(StreamHandler handler);
    // The type of the handler, for the loader: whose code it is.
    const std::type_info& handler_type() const noexcept { return handler_.target_type(); }
    // Clients that are still served by a former handler.
    std::size_t with_former_handlers() const noexcept;

    const List<StreamClient, StreamServer>& clients() const noexcept { return clients_; }

private:
    friend class StreamClient;
    struct Served;
    struct HandedOn {};  // thrown by next(): another handler goes on

    bool welcome(const SocketAddress&) override { return true; }
    void serve(int socket, int family, const SocketAddress& peer) override;
    void shut_clients_down(bool force) override;

    static Task<> run_client(std::unique_ptr<Served> served);
    Task<> handle(StreamClient& client);

    StreamHandler handler_;
    std::uint64_t handlers_ = 0;  // how many there were before
    const StreamOptions stream_options_;
    Source handed_on_;  // changed: clients that wait for their next request look again
    List<StreamClient, StreamServer> clients_;
};

// co_await listen(address, handler): returns a server that listens. Throws AddressError, or
// SocketError if it cannot listen. The server's clients are closed when it is destroyed; call
// shutdown() and await ended() before to end them in order.
Task<std::unique_ptr<StreamServer>> listen(std::string address, StreamHandler handler,
                                           SocketServerOptions options = {},
                                           StreamOptions stream = {});

}  // namespace weir
