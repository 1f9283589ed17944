#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/clock.h"
#include "core/base/list.h"
#include "core/net/address.h"
#include "core/net/connection.h"
#include "core/net/listener.h"
#include "core/net/protocol.h"
#include "core/run/container.h"
#include "core/run/task.h"

namespace weir {

struct SocketServerOptions {
    ListenOptions listen = {};
    // The most connections at a time. Those who come then wait in the system's backlog until one
    // ends or, with `refuse`, are closed at once.
    std::size_t max_connections = 10'000;
    bool refuse = false;
    // After what wait to try again if it cannot listen; none: the server ends with an error.
    std::optional<Duration> retry_listen = std::chrono::seconds(3);
    // How long the shutdown of the connections may take before they are closed by force.
    Duration shutdown_timeout = std::chrono::seconds(10);
};

// The state of a server has changed.
struct ServerStateEvent : Event {
    enum class State {
        starting,  // not yet listening, or about to try again
        listening,
        paused,   // told to stop listening
        closing,  // told to shut down: the connections end
        ended,
    };
    Index<SocketServer*> server;
    Index<State> state;

    static auto declare() {
        return declare_event<ServerStateEvent>("weir.ServerStateEvent")
            .index("server", &ServerStateEvent::server)
            .index("state", &ServerStateEvent::state);
    }
};

// Listens at an address, and makes and owns a Connection for everyone who connects. When the
// process has no file descriptors left, it waits until it has.
//
// Must not be destroyed by one of its connections' routines or hooks.
class SocketServer final : public Container {
public:
    using State = ServerStateEvent::State;

    // Throws AddressError. The protocol must outlive the server.
    SocketServer(Scheduler& scheduler, Protocol& protocol, std::string_view address,
                 SocketServerOptions options = {});
    ~SocketServer() override { close(); }

    // Begins to listen. To be called once.
    Ref<Routine> start(StartOptions options = {.name = "server"});
    using Container::start;

    Protocol& protocol() const noexcept { return *protocol_; }
    // Lets another protocol serve those who connect from now on; those who are connected keep
    // theirs, see Connection::hand_to.
    void hand_to(Protocol& protocol) noexcept { protocol_ = &protocol; }
    const SocketServerOptions& options() const noexcept { return options_; }
    State state() const noexcept { return state_; }
    // Where it listens, or has listened last, with the real port: a client's address.
    const SocketAddress& local() const noexcept { return local_; }
    // Why it does not listen; empty if there was no error.
    const std::string& error() const noexcept { return error_; }

    // co_await server.listening(): until it listens; false if it has ended.
    Task<bool> listening();

    // --- orders; each takes effect in the turn of its event

    // Those who are connected stay.
    void stop_listening() { order(ServerControlEvent::Type::stop_listening); }
    void start_listening() { order(ServerControlEvent::Type::start_listening); }
    // Ends in order: stops listening, shuts the connections down, closes by force those that have
    // not ended when the shutdown_timeout is over.
    void shutdown() { order(ServerControlEvent::Type::shutdown); }

    // --- counters

    std::size_t open() const noexcept { return open_; }            // connections now
    std::uint64_t accepted() const noexcept { return accepted_; }  // in all
    std::uint64_t refused() const noexcept { return refused_; }    // by the limit or the protocol
    std::uint64_t received() const noexcept;                       // bytes, in all
    std::uint64_t sent() const noexcept;
    const List<Connection, SocketServer>& connections() const noexcept { return connections_; }
    List<Connection, SocketServer>& connections() noexcept { return connections_; }

private:
    class Closing;

    void order(ServerControlEvent::Type type);
    void obey(const ServerControlEvent& event);
    void set_state(State state);

    Task<> run();
    Task<> work();
    Task<> listen();
    Task<> accept_all();
    Task<> close_in_order();
    Task<> wait_for_connections(std::optional<Duration> timeout);
    Task<> serve(std::unique_ptr<Connection> connection);

    bool full() const noexcept { return open_ >= options_.max_connections; }
    bool take(int socket);

    Protocol* protocol_;
    const Address address_;
    const SocketServerOptions options_;
    const MatcherOf<ServerControlEvent> control_;
    Source wakeup_;
    Listener::Owner listener_;
    State state_ = State::starting;
    SocketAddress local_;
    std::string error_;
    bool daemon_ = false;
    bool wants_to_listen_ = true;
    bool stopped_ = false;  // told to shut down

    List<Connection, SocketServer> connections_;
    std::size_t open_ = 0;
    std::uint64_t accepted_ = 0;
    std::uint64_t refused_ = 0;
    std::uint64_t received_ = 0;  // by connections that have ended
    std::uint64_t sent_ = 0;
};

}  // namespace weir
