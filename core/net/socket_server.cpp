#include "core/net/socket_server.h"

#include <utility>

#include <unistd.h>

#include "core/net/resolve.h"
#include "core/run/wait.h"
#include "core/run/watch.h"
#include "core/wait/timeout.h"

namespace weir {
namespace {

// How many are accepted in one turn, before others get theirs.
constexpr int accepted_at_once = 64;

// After what wait to accept again when there was no file descriptor or memory left.
constexpr Duration exhausted_wait = std::chrono::milliseconds(100);

struct Reordered {};  // thrown where the server works, when it is told to do something else

}  // namespace

SocketServer::SocketServer(Scheduler& scheduler, Protocol& protocol, std::string_view address,
                           SocketServerOptions options)
    : Container(scheduler),
      protocol_(&protocol),
      address_(Address::parse(address)),
      options_(std::move(options)),
      control_(match<ServerControlEvent>(this)),
      wakeup_(scheduler) {}

// Not in the header: whoever calls it may be unloaded, and where the routine was started is known
// as long as it runs.
Ref<Routine> SocketServer::start(StartOptions options) {
    return Container::start(run(), std::move(options));
}

std::uint64_t SocketServer::received() const noexcept {
    std::uint64_t sum = received_;
    for (const Connection& connection : connections_) {
        sum += connection.received();
    }
    return sum;
}

std::uint64_t SocketServer::sent() const noexcept {
    std::uint64_t sum = sent_;
    for (const Connection& connection : connections_) {
        sum += connection.sent();
    }
    return sum;
}

Task<bool> SocketServer::listening() {
    const MatcherOf<ServerStateEvent> changed = match<ServerStateEvent>(this);
    while (state_ != State::listening && state_ != State::ended) {
        co_await changed;
    }
    co_return state_ == State::listening;
}

// --- orders

void SocketServer::order(ServerControlEvent::Type type) {
    scheduler().emergency_send(make_event<ServerControlEvent>(this, type));
}

// Called in the routine that runs the server, wherever it waits.
void SocketServer::obey(const ServerControlEvent& event) {
    switch (event.type) {
        case ServerControlEvent::Type::stop_listening:
            wants_to_listen_ = false;
            break;
        case ServerControlEvent::Type::start_listening:
            wants_to_listen_ = true;
            break;
        case ServerControlEvent::Type::shutdown:
            stopped_ = true;
            break;
    }
    if (state_ != State::closing &&
        (stopped_ || wants_to_listen_ != (state_ == State::listening))) {
        throw Reordered();
    }
}

void SocketServer::set_state(State state) {
    if (state_ != state) {
        state_ = state;
        scheduler().emergency_send(make_event<ServerStateEvent>(this, state));
    }
}

// --- the routine that runs the server

// Stops listening when the routine ends or is unwound.
class SocketServer::Closing {
public:
    explicit Closing(SocketServer& server) noexcept : server_(server) {}
    Closing(const Closing&) = delete;
    Closing& operator=(const Closing&) = delete;
    ~Closing() { server_.listener_.reset(); }

private:
    SocketServer& server_;
};

Task<> SocketServer::run() {
    const Closing at_the_end(*this);
    const Routine& self = co_await this_routine();
    daemon_ = self.daemon();
    const auto obedience = [this](const Ref<Event>& event, std::size_t) {
        obey(event->as<ServerControlEvent>());
    };
    while (!stopped_) {
        Task<> working = work();
        try {
            co_await with_callback(std::move(working), obedience, control_);
        } catch (const Reordered&) {
        } catch (const QuitException&) {
            stopped_ = true;
        } catch (...) {
            scheduler().log_exception("the server at " + address_.text());
            stopped_ = true;
        }
        listener_.reset();
    }
    set_state(State::closing);
    co_await close_in_order();
    try {
        co_await protocol_->server_ended(*this);
    } catch (const QuitException&) {
    } catch (...) {
        scheduler().log_exception("the protocol's hook 'server_ended'");
    }
    set_state(State::ended);
}

// Listens, or waits for the order to.
Task<> SocketServer::work() {
    if (!wants_to_listen_) {
        set_state(State::paused);
        const MatcherOf<SocketEvent> never = wakeup_.matcher(SocketEvent::Type::readable);
        for (;;) {
            co_await never;
        }
    }
    set_state(State::starting);
    for (;;) {
        bool failed = false;
        try {
            co_await listen();
        } catch (const SocketError& failure) {
            error_ = failure.what();
            failed = true;
        }
        if (!failed) {
            error_.clear();
            co_await accept_all();
        }
        if (!options_.retry_listen) {
            scheduler().log(LogLevel::error, "a server ends: " + error_);
            stopped_ = true;
            co_return;
        }
        scheduler().log(LogLevel::warning, "a server tries again: " + error_);
        co_await sleep(*options_.retry_listen);
    }
}

// IPv4 first where a name stands for both, as the original.
Task<> SocketServer::listen() {
    const std::vector<SocketAddress> found = co_await resolve(scheduler(), address_, true);
    const SocketAddress* best = &found.front();
    for (const SocketAddress& address : found) {
        if (address.family() == AF_INET) {
            best = &address;
            break;
        }
    }
    listener_ = Listener::listen(scheduler(), *best, options_.listen);
    local_ = listener_->address();
}

Task<> SocketServer::accept_all() {
    set_state(State::listening);
    const MatcherOf<SocketEvent> readable = listener_->matcher(SocketEvent::Type::readable);
    const MatcherOf<SocketEvent> ended = wakeup_.matcher(SocketEvent::Type::changed);
    bool exhausted = false;
    for (;;) {
        if (full() && !options_.refuse) {
            listener_->pause();
            wakeup_.want(SocketEvent::Type::changed);
            co_await ended;
            continue;
        }
        listener_->resume();
        listener_->want(SocketEvent::Type::readable);
        co_await readable;
        int socket = 0;
        for (int n = 0; n != accepted_at_once && (options_.refuse || !full()); ++n) {
            socket = listener_->accept();
            if (socket < 0 || !take(socket)) {
                break;
            }
        }
        if (socket >= 0) {
            exhausted = false;
        } else if (socket != UV_EAGAIN) {
            if (!std::exchange(exhausted, true)) {
                scheduler().log(LogLevel::warning,
                                "a server cannot accept: " + std::string(uv_strerror(socket)));
            }
            listener_->pause();
            wakeup_.want(SocketEvent::Type::changed);
            co_await wait_with_timeout(exhausted_wait, ended);
        }
    }
}

// Makes a connection of the socket, or refuses it. False if there are no means to.
bool SocketServer::take(int socket) {
    const SocketAddress peer = SocketAddress::remote(socket);
    Protocol* protocol = nullptr;
    if (!full()) {
        try {
            protocol = protocol_->accept(*this, peer);
        } catch (...) {
            scheduler().log_exception("the protocol's hook 'accept'");
        }
    }
    if (protocol == nullptr) {
        ++refused_;
        ::close(socket);
        return true;
    }
    try {
        Stream::Owner stream =
            Stream::adopt(scheduler(), socket, listener_->family(), protocol->options().stream);
        auto connection = std::make_unique<Connection>(scheduler(), *protocol, std::move(stream));
        connections_.push_back(*connection);
        ++open_;
        ++accepted_;
        Container::start(serve(std::move(connection)), {.name = "connection", .daemon = daemon_});
        return true;
    } catch (const SocketError& error) {
        scheduler().log(LogLevel::warning, error.what());
        return false;
    }
}

// The connection belongs to this routine.
Task<> SocketServer::serve(std::unique_ptr<Connection> connection) {
    struct Count {
        SocketServer& server;
        Connection& connection;
        Count(SocketServer& its_server, Connection& counted) noexcept
            : server(its_server), connection(counted) {}
        Count(const Count&) = delete;
        Count& operator=(const Count&) = delete;
        ~Count() {
            server.received_ += connection.received();
            server.sent_ += connection.sent();
            List<Connection, SocketServer>::remove(connection);
            --server.open_;
            server.wakeup_.signal(SocketEvent::Type::changed);
        }
    };
    const Count counted(*this, *connection);
    co_await connection->run();
}

// --- the end

Task<> SocketServer::close_in_order() {
    for (Connection& connection : connections_) {
        connection.shutdown();
    }
    co_await wait_for_connections(options_.shutdown_timeout);
    for (Connection& connection : connections_) {
        connection.shutdown(true);
    }
    // What is left now is hooks.
    co_await wait_for_connections(options_.shutdown_timeout);
    if (open_ != 0) {
        scheduler().log(LogLevel::warning, "a server ends while hooks of " + std::to_string(open_) +
                                               " connections still wait");
    }
}

Task<> SocketServer::wait_for_connections(std::optional<Duration> timeout) {
    const MatcherOf<SocketEvent> ended = wakeup_.matcher(SocketEvent::Type::changed);
    const Time deadline = scheduler().now() + timeout.value_or(Duration::zero());
    while (open_ != 0) {
        wakeup_.want(SocketEvent::Type::changed);
        try {
            if (!co_await wait_with_timeout(deadline - scheduler().now(), ended)) {
                co_return;
            }
        } catch (const QuitException&) {
            // They are told too.
        }
    }
}

}  // namespace weir
