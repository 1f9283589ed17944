#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/net/address.h"
#include "core/net/connection_events.h"
#include "core/net/listener.h"
#include "core/run/container.h"
#include "core/run/task.h"
#include "core/stream/byte_stream.h"
#include "core/tls/tls_context.h"

namespace weir {

struct SocketServerOptions {
    ListenOptions listen = {};
    // The most connections at a time. More wait in the system's backlog until one ends; with
    // `refuse` they are refused: a SocketServer's get Protocol::refusal, and all are closed.
    std::size_t max_connections = 10'000;
    bool refuse = false;
    // When listening fails, the server tries again after this time; none: it logs an error, and
    // gives up.
    std::optional<Duration> retry_listen = std::chrono::seconds(3);
    // How long connections have to end in order before they are closed by force.
    Duration shutdown_timeout = std::chrono::seconds(10);
    // For tls:// addresses: the certificates; with some, a systemd: address serves TLS, too. Shared
    // with the owner, who renews them.
    std::shared_ptr<TlsContext> tls = {};
};

// The state of a server has changed.
struct ServerStateEvent : Event {
    enum class State {
        starting,  // does not listen yet, or is about to try again
        listening,
        paused,   // stop_listening() was called
        closing,  // shutdown() was called: the connections end
        ended,
    };
    Index<Acceptor*> server;
    Index<State> state;

    static auto declare() {
        return declare_event<ServerStateEvent>("weir.ServerStateEvent")
            .index("server", &ServerStateEvent::server)
            .index("state", &ServerStateEvent::state);
    }
};

// Listens at an address, TCP or Unix, and accepts the peers that connect, up to a number at a time:
// what SocketServer (a protocol of events) and StreamServer (a routine for each client) share.
// Listens at all socket addresses that the address stands for, IPv4 and IPv6; see resolve().
//
// When the process has no file descriptors left, peers that connect are refused, by means of one
// descriptor that is kept for that, and the log says so. Accepting goes on as soon as descriptors
// are free.
//
// Must not be destroyed by one of its clients' routines or hooks.
class Acceptor : public Container {
public:
    using State = ServerStateEvent::State;

    // Starts to listen. Requires that it was not called before.
    Ref<Routine> start(StartOptions options = {.name = "server"});
    using Container::start;

    const SocketServerOptions& options() const noexcept { return options_; }
    const Address& address() const noexcept { return address_; }
    State state() const noexcept { return state_; }
    // Where it listens, or has listened last, with the real port. There is one address for each
    // family; `local` is the first.
    const std::vector<SocketAddress>& addresses() const noexcept { return addresses_; }
    SocketAddress local() const noexcept {
        return addresses_.empty() ? SocketAddress() : addresses_.front();
    }
    // Returns these addresses as clients take them: tls://127.0.0.1:6380.
    std::vector<std::string> urls() const;
    // Why it does not listen; empty if there was no error.
    const std::string& error() const noexcept { return error_; }
    int error_code() const noexcept { return error_code_; }  // libuv's; 0: none
    // Changes the limit of connections. Those that are open stay.
    void set_max_connections(std::size_t most);
    // Changes the certificates and rules for new connections. Requires some if the address is
    // tls://. To read the same files again, options().tls->reload() is enough.
    void set_tls(std::shared_ptr<TlsContext> tls) noexcept;

    // co_await server.listening(): waits until the server listens; returns false if it has ended.
    Task<bool> listening();
    // co_await server.ended(): waits until the server has ended, as after shutdown().
    Task<> ended();

    // --- orders; each takes effect in the turn of its event

    // Open connections stay.
    void stop_listening() { order(ServerControlEvent::Type::stop_listening); }
    // Also after shutdown(): the server goes on, but connections that were told to end still do.
    void start_listening();
    // Ends in order: stops listening, shuts the connections down, and closes by force those that
    // have not ended after the shutdown_timeout.
    void shutdown() { order(ServerControlEvent::Type::shutdown); }

    // --- counters

    std::size_t open() const noexcept { return open_; }            // connections now
    std::uint64_t accepted() const noexcept { return accepted_; }  // in all
    std::uint64_t refused() const noexcept { return refused_; }    // in all, for any reason

protected:
    // Throws AddressError, also for a tls:// address without certificates.
    Acceptor(Scheduler& scheduler, std::string_view address, SocketServerOptions options);
    ~Acceptor() override;

    // Counts a connection as open while it lives.
    class Opened {
    public:
        explicit Opened(Acceptor& server) noexcept : server_(server) { ++server_.open_; }
        Opened(const Opened&) = delete;
        Opened& operator=(const Opened&) = delete;
        ~Opened() { server_.has_closed(); }

    private:
        Acceptor& server_;
    };

    // Returns the stream on an accepted socket, with TLS if the address says so. Closes the socket
    // on failure. Throws StreamError.
    ByteStream::Owner adopt(int socket, int family, const StreamOptions& stream,
                            const SocketAddress& peer);

    bool daemon() const noexcept { return daemon_; }
    bool full() const noexcept { return open_ >= options_.max_connections; }

private:
    class Closing;
    class SpareDescriptor;

    // --- what a server does with its peers

    // Whether to serve this peer, for which there is room.
    virtual bool welcome(const SocketAddress& peer) = 0;
    // Serves the connected socket, which it closes, also when it throws; counts it as Opened.
    // Throws StreamError.
    virtual void serve(int socket, int family, const SocketAddress& peer) = 0;
    // Returns the bytes that a refused peer gets.
    virtual std::string refusal() { return {}; }
    // Asks all connections to end, in order or by force.
    virtual void shut_clients_down(bool force) = 0;
    // Called when all has ended.
    virtual Task<> finished();

    void order(ServerControlEvent::Type type);
    void obey(const ServerControlEvent& event);
    void set_state(State state);

    Task<> run();
    Task<> work();
    Task<> listen();
    std::vector<Listener::Owner> listen_at(const std::vector<SocketAddress>& addresses);
    Task<> accept_all();
    int accept_ready();
    int accept_from(Listener& listener);
    Task<> close_in_order();
    Task<> wait_for_connections(std::optional<Duration> timeout);

    void has_closed() noexcept;
    bool take(int socket, int family);
    void refuse(int socket);
    void warn_exhausted(int error, bool refused);

    const Address address_;
    SocketServerOptions options_;
    const MatcherOf<ServerControlEvent> control_;
    Source wakeup_;  // readable: a connection waits to be accepted; changed: one has ended
    std::vector<Listener::Owner> listeners_;
    std::unique_ptr<SpareDescriptor> spare_;
    State state_ = State::starting;
    std::vector<SocketAddress> addresses_;
    std::string error_;
    int error_code_ = 0;
    StartOptions start_options_;
    bool daemon_ = false;
    bool wants_to_listen_ = true;
    bool stopped_ = false;  // shutdown() was called

    // No descriptors were left: when the log said so last, and how many were refused since.
    std::optional<Time> exhausted_at_;
    std::uint64_t refused_since_ = 0;

    std::size_t open_ = 0;
    std::uint64_t accepted_ = 0;
    std::uint64_t refused_ = 0;
};

}  // namespace weir
