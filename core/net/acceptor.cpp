#include "core/net/acceptor.h"

#include <array>
#include <cassert>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/net/descriptor_limit.h"
#include "core/net/resolve.h"
#include "core/net/socket_error.h"
#include "core/net/socket_stream.h"
#include "core/run/wait.h"
#include "core/run/watch.h"
#include "core/wait/timeout.h"

namespace weir {
namespace {

// How many connections one listener accepts in one turn, before other routines get theirs.
constexpr int accepted_at_once = 64;

// How long it waits to accept again when no file descriptor or memory was left.
constexpr Duration exhausted_wait = std::chrono::milliseconds(100);

// How often the log says that no file descriptors are left.
constexpr Duration exhausted_again = std::chrono::seconds(10);

// How often listening at a port that the system chooses is tried, until all families have it free.
constexpr int port_tries = 16;

// Sockets of the supervisor serve TLS if the server has certificates; other addresses say it.
Address with_tls(Address address, const SocketServerOptions& options) {
    if (address.kind == Address::Kind::systemd) {
        address.tls = options.tls != nullptr;
    }
    return address;
}

struct Reordered {};  // thrown where the server works, by an order that changes what it does

// Whether this machine does not have the family or the address at all.
bool is_absent(int error) noexcept {
    return error == UV_EADDRNOTAVAIL || error == UV_EAFNOSUPPORT || error == UV_EPROTONOSUPPORT;
}

}  // namespace

// A descriptor in reserve. When the process has no other left, the server closes it to accept and
// refuse a connection, whose peer would otherwise wait in the backlog without an answer.
class Acceptor::SpareDescriptor {
public:
    SpareDescriptor() noexcept { open(); }
    SpareDescriptor(const SpareDescriptor&) = delete;
    SpareDescriptor& operator=(const SpareDescriptor&) = delete;
    ~SpareDescriptor() { close(); }

    // Fails if another thread has taken the descriptor meanwhile; then the next close() fails too.
    void open() noexcept { descriptor_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC); }
    bool close() noexcept {
        return descriptor_ >= 0 && ::close(std::exchange(descriptor_, -1)) == 0;
    }

private:
    int descriptor_ = -1;
};

Acceptor::Acceptor(Scheduler& scheduler, std::string_view address, SocketServerOptions options)
    : Container(scheduler),
      address_(with_tls(Address::parse(address), options)),
      options_(std::move(options)),
      control_(match<ServerControlEvent>(this)),
      wakeup_(scheduler) {
    if (address_.tls && options_.tls == nullptr) {
        throw AddressError("address '" + address_.text() + "': TLS needs a certificate");
    }
}

Acceptor::~Acceptor() {
    close();
}

// Not in the header: the caller's library may be unloaded, and the routine keeps the place in the
// source where it was started.
Ref<Routine> Acceptor::start(StartOptions options) {
    start_options_ = options;
    return Container::start(run(), std::move(options));
}

void Acceptor::start_listening() {
    if (state_ == State::closing || state_ == State::ended) {
        stopped_ = false;  // at once: when the last connection ends, nothing may take the order
    }
    if (state_ == State::ended) {
        wants_to_listen_ = true;
        set_state(State::starting);
        Container::start(run(), start_options_);
    } else {
        order(ServerControlEvent::Type::start_listening);
    }
}

void Acceptor::has_closed() noexcept {
    --open_;
    try {
        wakeup_.signal(SocketEvent::Type::changed);
    } catch (...) {
        scheduler().log_exception("sending the event that a connection has ended");
    }
}

void Acceptor::set_max_connections(std::size_t most) {
    options_.max_connections = most;
    wakeup_.signal(SocketEvent::Type::changed);
}

void Acceptor::set_tls(std::shared_ptr<TlsContext> tls) noexcept {
    assert(tls != nullptr || !address_.tls);
    options_.tls = std::move(tls);
}

std::vector<std::string> Acceptor::urls() const {
    std::vector<std::string> result;
    for (const SocketAddress& local : addresses_) {
        const std::string text = local.text();
        result.push_back(address_.tls ? "tls" + text.substr(text.find(':')) : text);
    }
    return result;
}

Task<bool> Acceptor::listening() {
    const MatcherOf<ServerStateEvent> changed = match<ServerStateEvent>(this);
    while (state_ != State::listening && state_ != State::ended) {
        co_await changed;
    }
    co_return state_ == State::listening;
}

Task<> Acceptor::ended() {
    const MatcherOf<ServerStateEvent> ended = match<ServerStateEvent>(this, State::ended);
    while (state_ != State::ended) {
        co_await ended;
    }
}

Task<> Acceptor::finished() {
    co_return;
}

// --- orders

void Acceptor::order(ServerControlEvent::Type type) {
    scheduler().emergency_send(make_event<ServerControlEvent>(this, type));
}

// Runs in the routine that runs the server, wherever that waits.
void Acceptor::obey(const ServerControlEvent& event) {
    switch (event.type) {
        case ServerControlEvent::Type::stop_listening:
            wants_to_listen_ = false;
            break;
        case ServerControlEvent::Type::start_listening:
            wants_to_listen_ = true;
            stopped_ = false;
            break;
        case ServerControlEvent::Type::shutdown:
            stopped_ = true;
            break;
    }
    const bool is_other_work = stopped_ || wants_to_listen_ != (state_ == State::listening);
    if (state_ == State::closing ? !stopped_ : is_other_work) {
        throw Reordered();
    }
}

void Acceptor::set_state(State state) {
    if (state_ != state) {
        state_ = state;
        scheduler().emergency_send(make_event<ServerStateEvent>(this, state));
    }
}

// --- the routine that runs the server

// Stops listening when the routine ends or is unwound. A server whose routine is closed, as when
// the scheduler quits at once, has ended: its module, unloaded later, must not wait for that.
class Acceptor::Closing {
public:
    explicit Closing(Acceptor& server) noexcept : server_(server) {}
    Closing(const Closing&) = delete;
    Closing& operator=(const Closing&) = delete;
    ~Closing() {
        server_.listeners_.clear();
        try {
            server_.set_state(State::ended);
        } catch (...) {
            server_.scheduler().log_exception("sending the event that a server has ended");
        }
    }

private:
    Acceptor& server_;
};

Task<> Acceptor::run() {
    const Closing at_the_end(*this);
    daemon_ = (co_await this_routine()).daemon();
    const auto obedience = [this](const Ref<Event>& event, std::size_t) {
        obey(event->as<ServerControlEvent>());
    };
    do {
        while (!stopped_) {
            try {
                co_await with_callback(work(), obedience, control_);
            } catch (const Reordered&) {
            } catch (const QuitException&) {
                stopped_ = true;
            } catch (...) {
                scheduler().log_exception("the server at " + address_.text() + " ended");
                stopped_ = true;
            }
            listeners_.clear();
            spare_.reset();
        }
        set_state(State::closing);
        try {
            co_await with_callback(close_in_order(), obedience, control_);
            co_await finished();
        } catch (const Reordered&) {
        } catch (const QuitException&) {
        } catch (...) {
            scheduler().log_exception("the server's last hook ended");
        }
    } while (!stopped_);
    set_state(State::ended);
}

// Listens and accepts, or waits for an order.
Task<> Acceptor::work() {
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
            error_code_ = failure.code();
            failed = true;
        }
        if (!failed) {
            error_.clear();
            error_code_ = 0;
            co_await accept_all();
        }
        if (!options_.retry_listen) {
            scheduler().log(LogLevel::error, error_ + ": gives up");
            stopped_ = true;
            co_return;
        }
        scheduler().log(LogLevel::warning, error_ + ": the server tries again");
        co_await sleep(*options_.retry_listen);
    }
}

Task<> Acceptor::listen() {
    if (address_.kind == Address::Kind::systemd) {
        std::vector<Listener::Owner> listeners;
        for (const HandedSocket& socket : HandedSockets::of_process().named(address_.name)) {
            listeners.push_back(Listener::adopt(scheduler(), socket, wakeup_));
        }
        listeners_ = std::move(listeners);
    } else {
        listeners_ = listen_at(co_await resolve(scheduler(), address_, ResolveFor::listening));
    }
    addresses_.clear();
    for (const Listener::Owner& listener : listeners_) {
        addresses_.push_back(listener->address());
    }
}

// Listens at all addresses but those that this machine does not have, as one without IPv6. An
// address that it has and cannot use is a failure: its clients would reach another server, or none.
std::vector<Listener::Owner> Acceptor::listen_at(const std::vector<SocketAddress>& addresses) {
    ListenOptions options = options_.listen;
    options.only_ipv6 = addresses.size() > 1;
    for (int tries = 1;; ++tries) {
        std::vector<Listener::Owner> listeners;
        std::optional<SocketError> absent;
        try {
            for (SocketAddress address : addresses) {
                if (address.port() == 0 && !listeners.empty()) {
                    address = address.with_port(listeners.front()->address().port());
                }
                try {
                    listeners.push_back(Listener::listen(scheduler(), address, wakeup_, options));
                } catch (const SocketError& error) {
                    if (!is_absent(error.code())) {
                        throw;
                    }
                    absent = error;
                }
            }
        } catch (const SocketError& error) {
            // The port that the system chose for one family may be taken in another.
            if (addresses.front().port() == 0 && error.code() == UV_EADDRINUSE &&
                tries != port_tries) {
                continue;
            }
            throw;
        }
        if (listeners.empty()) {
            throw SocketError(absent.value());
        }
        return listeners;
    }
}

Task<> Acceptor::accept_all() {
    set_state(State::listening);
    spare_ = std::make_unique<SpareDescriptor>();
    const MatcherOf<SocketEvent> readable = wakeup_.matcher(SocketEvent::Type::readable);
    const MatcherOf<SocketEvent> ended = wakeup_.matcher(SocketEvent::Type::changed);
    const auto pause = [this] {
        for (const Listener::Owner& listener : listeners_) {
            listener->pause();
        }
        wakeup_.want(SocketEvent::Type::changed);
    };
    for (;;) {
        if (full() && !options_.refuse) {
            pause();
            co_await ended;
            continue;
        }
        for (const Listener::Owner& listener : listeners_) {
            listener->resume();
        }
        wakeup_.want(SocketEvent::Type::readable);
        co_await readable;
        if (accept_ready() != 0) {
            pause();
            co_await wait_with_timeout(exhausted_wait, ended);
        }
    }
}

// Accepts what waits, up to a number. Returns 0, or the error for which accepting must pause.
int Acceptor::accept_ready() {
    for (const Listener::Owner& listener : listeners_) {
        for (int n = 0; n != accepted_at_once && (options_.refuse || !full()); ++n) {
            const int error = accept_from(*listener);
            if (error == UV_EAGAIN) {
                break;
            }
            if (error != 0) {
                return error;
            }
        }
    }
    return 0;
}

// Accepts or refuses one connection. Returns 0 or an error.
int Acceptor::accept_from(Listener& listener) {
    int socket = listener.accept();
    if (socket >= 0) {
        return take(socket, listener.family()) ? 0 : UV_ENOMEM;
    }
    const int error = socket;
    if (error == UV_EAGAIN) {
        return error;
    }
    if ((error == UV_EMFILE || error == UV_ENFILE) && spare_->close()) {
        socket = listener.accept();
        if (socket >= 0) {
            refuse(socket);
        }
        spare_->open();
        if (socket >= 0) {
            warn_exhausted(error, true);
            return 0;
        }
    }
    warn_exhausted(error, false);
    spare_->close();
    spare_->open();
    return error;
}

void Acceptor::warn_exhausted(int error, bool refused) {
    refused_since_ += refused ? 1 : 0;
    const Time now = scheduler().now();
    if (exhausted_at_ && now - *exhausted_at_ < exhausted_again) {
        return;
    }
    exhausted_at_ = now;
    std::string text =
        "cannot accept connections at " + address_.text() + ": " + SocketError::reason(error);
    if (error == UV_EMFILE) {
        text += "; the limit of open files is " + std::to_string(descriptor_limit());
    }
    if (refused_since_ != 0) {
        text += "; refused " + std::to_string(refused_since_) +
                (refused_since_ == 1 ? " connection" : " connections");
    }
    refused_since_ = 0;
    scheduler().log(LogLevel::warning, text);
}

// Serves the socket, or refuses it. Returns false if there is no memory for it.
bool Acceptor::take(int socket, int family) {
    const SocketAddress peer = SocketAddress::remote(socket);
    bool welcome_here = false;
    if (!full()) {
        try {
            welcome_here = welcome(peer);
        } catch (...) {
            scheduler().log_exception("the hook that accepts a peer ended");
        }
    }
    if (!welcome_here) {
        refuse(socket);
        return true;
    }
    try {
        serve(socket, family, peer);
        ++accepted_;
        return true;
    } catch (const StreamError& error) {
        scheduler().log(LogLevel::warning, error.what());
        return false;
    }
}

ByteStream::Owner Acceptor::adopt(int socket, int family, const StreamOptions& stream,
                                  const SocketAddress& peer) {
    ByteStream::Owner accepted(
        SocketStream::adopt(scheduler(), socket, family, stream, peer).release());
    return address_.tls ? options_.tls->accept(std::move(accepted)) : std::move(accepted);
}

// Closes the socket after the server's last words, as far as the peer takes them at once.
void Acceptor::refuse(int socket) {
    ++refused_;
    try {
        const std::string words = address_.tls ? std::string() : refusal();
        static_cast<void>(::send(socket, words.data(), words.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
    } catch (...) {
        scheduler().log_exception("the hook that refuses a peer ended");
    }
    // Closing a socket with unread input resets the connection, and the words may be lost.
    ::shutdown(socket, SHUT_WR);
    std::array<char, 4096> dropped;
    static_cast<void>(::recv(socket, dropped.data(), dropped.size(), MSG_DONTWAIT));
    ::close(socket);
}

// --- the end

Task<> Acceptor::close_in_order() {
    shut_clients_down(false);
    co_await wait_for_connections(options_.shutdown_timeout);
    shut_clients_down(true);
    // Only hooks are left now.
    co_await wait_for_connections(options_.shutdown_timeout);
    if (open_ != 0) {
        scheduler().log(LogLevel::warning, "the server at " + address_.text() +
                                               " ends while hooks of " + std::to_string(open_) +
                                               " connections still wait");
    }
}

Task<> Acceptor::wait_for_connections(std::optional<Duration> timeout) {
    const MatcherOf<SocketEvent> ended = wakeup_.matcher(SocketEvent::Type::changed);
    const Time deadline = scheduler().now() + timeout.value_or(Duration::zero());
    while (open_ != 0) {
        wakeup_.want(SocketEvent::Type::changed);
        try {
            if (!co_await wait_with_timeout(deadline - scheduler().now(), ended)) {
                co_return;
            }
        } catch (const QuitException&) {
            // The connections are told to quit too.
        }
    }
}

}  // namespace weir
