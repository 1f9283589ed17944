#include "modules/resp/protocol.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <sys/socket.h>
#include <unistd.h>

#include "core/net/connection.h"
#include "core/net/socket_server.h"
#include "core/queue/fair_queue.h"
#include "modules/system/rights/login_source.h"

namespace weir::resp {

namespace {

// Between two warnings of one kind.
constexpr Duration warnings_pause = std::chrono::seconds(10);

// Clients over max_clients that may close others, at Unix sockets.
constexpr std::size_t reserved_clients = 10;

// HELLO with AUTH and SETNAME has 7 arguments.
constexpr RequestLimits most_before_login{
    .arguments = 16, .argument_bytes = 16 * 1024, .request_bytes = 32 * 1024};

constexpr const char* too_many_clients = "max number of clients reached";

Session* session_of(Connection& connection) noexcept {
    return static_cast<Session*>(connection.data.get());
}

// Whether the client runs as the user who runs the server. At a port of TCP, root is no owner,
// because what connects there as root may be a proxy for strangers; and where clients of the port
// need a password, the owner needs it, too.
bool is_owner(Connection& connection, bool needs_password) {
    const bool unix_socket = connection.local().family() == AF_UNIX;
    if (needs_password && !unix_socket) {
        return false;
    }
    const std::optional<uid_t> user = connection.peer_user();
    return user && (*user == geteuid() || (*user == 0 && unix_socket));
}

}  // namespace

RespProtocol::RespProtocol(Scheduler& scheduler, const ModuleLog& log, Access& access,
                           const RespSettings& settings, EventExchange& events)
    : Protocol(connection_options(settings)),
      log_(log),
      module_(log.module()),
      access_(access),
      settings_(&settings),
      events_(events),
      max_clients_(settings.max_clients),
      seat_(new RespSeat),
      long_work_(new LongWork(scheduler)) {
    seat_->newest = this;
    seat_->started_at = scheduler.now();
}

RespProtocol::~RespProtocol() {
    if (seat_->newest == this) {
        seat_->newest = nullptr;
    }
}

Ref<Caller> RespProtocol::greet(Connection& connection) const {
    const SocketAddress& local = connection.local();
    const auto find = [this](const auto& is_it) {
        return std::ranges::find_if(
            doors_, [&](const Door& door) { return std::ranges::any_of(door.addresses, is_it); });
    };
    // By the text: the system pads the address of a Unix socket as it likes.
    auto door = find(
        [text = local.text()](const SocketAddress& address) { return address.text() == text; });
    if (door == doors_.end() && local.port() != 0) {
        // It listens at every address of the machine.
        door = find([&](const SocketAddress& address) { return address.port() == local.port(); });
    }
    std::vector<std::string> roles;
    if (door != doors_.end()) {
        const bool owner =
            !door->owner.empty() && is_owner(connection, settings_->password.has_value());
        roles = owner ? door->owner : door->anonymous;
    }
    return Ref<Caller>(new Caller(access_.rules(), {}, std::move(roles),
                                  login_source(connection.remote(), connection.peer_user())));
}

std::optional<OwnUser> RespProtocol::own_user() const {
    if (!settings_->password) {
        return {};
    }
    return OwnUser{"default", *settings_->password, {"admin"}};
}

void RespProtocol::sit_down(Ref<RespSeat> seat) noexcept {
    seat_ = std::move(seat);
    seat_->newest = this;
}

std::vector<HandedSession> RespProtocol::hand_over() {
    std::vector<Session*> idle;
    for (Session& session : sessions_) {
        if (session.idle()) {
            idle.push_back(&session);
        }
    }
    std::vector<HandedSession> handed;
    handed.reserve(idle.size());
    for (Session* session : idle) {
        handed.push_back(session->hand_over({}, false));
    }
    return handed;
}

// Destroys the session that the client had in the old version.
void RespProtocol::take(HandedSession handed) {
    Connection& connection = *handed.connection;
    auto session = std::make_unique<Session>(*this, std::move(handed));
    ++seat_->clients;
    sessions_.push_back(*session);
    Session& started = *session;
    connection.hand_to(*this, std::move(session));
    started.start();
}

ConnectionOptions RespProtocol::connection_options(const RespSettings& settings) {
    ConnectionOptions options;
    options.stream.tcp_keepalive = settings.tcp_keepalive;
    options.shutdown_timeout = settings.shutdown_timeout;
    // The hook `keepalive` looks after clients that are silent or do not read.
    options.keepalive_time = settings.idle_timeout;
    options.write_keepalive_time = settings.write_timeout;
    return options;
}

// A client without rights can only log in, and takes little memory for that.
RequestLimits RespProtocol::request_limits(const Caller& caller) const {
    RequestLimits limits{.arguments = settings_->max_arguments,
                         .argument_bytes = settings_->max_argument.bytes,
                         .request_bytes = settings_->max_request.bytes};
    if (!caller.has_roles()) {
        limits.arguments = std::min(limits.arguments, most_before_login.arguments);
        limits.argument_bytes = std::min(limits.argument_bytes, most_before_login.argument_bytes);
        limits.request_bytes = std::min(limits.request_bytes, most_before_login.request_bytes);
    }
    return limits;
}

// In turn, whatever a client has had lately: of two clients that ask for the same lock, the first
// that came gets it.
QueueOptions RespProtocol::request_queue() {
    return {.kind = FairQueue::factory({.key = EventKey::named("connection"),
                                        .subqueue_limit = 4,
                                        .returning = FairQueueOptions::Returning::in_turn})};
}

// The session reads the bytes itself, in its turn: so no more of a client's requests is in memory
// than a few buffers, and its limits are those of the moment. The last input takes the way through
// the queue, so that the session knows already that it is the last.
std::size_t RespProtocol::parse(Connection& connection, const Input& input, Events& events) {
    if (Session* session = session_of(connection)) {
        Ref<InputEvent> event = session->input(input.bytes, input.ended);
        if (input.ended || !session->take(event)) {
            events.push_back(std::move(event));
        }
    }
    return input.bytes.size();
}

// When strangers have taken all there is, the owner can still close them.
std::string RespProtocol::why_refused(Connection& connection) const {
    const bool may_close_others = greet(connection)->may({log_.module(), "kill_client"});
    const std::optional<FromAddress> from = count(connection);
    const std::size_t reserved = may_close_others && !from ? reserved_clients : 0;
    if (seat_->clients >= max_clients_ + reserved) {
        return too_many_clients;
    }
    const std::size_t most = settings_->max_clients_per_address;
    return from && !may_close_others && from->count() > most
               ? "max number of clients from this address reached (max_clients_per_address)"
               : "";
}

Task<> RespProtocol::init(Connection& connection) {
    const std::string why = why_refused(connection);
    if (!why.empty()) {
        co_await connection.write(refuse(connection.scheduler().now(), why));
        connection.shutdown();
        co_return;
    }
    auto session = std::make_unique<Session>(*this, connection, ++seat_->connections);
    ++seat_->clients;
    sessions_.push_back(*session);
    session->start();
    connection.data = std::move(session);
}

std::string RespProtocol::refusal(SocketServer& server) {
    return refuse(server.scheduler().now(), too_many_clients);
}

// Not a line for each: a web page may open many connections.
void RespProtocol::warn_of_other_protocol(const Connection& connection, std::string_view name) {
    if (!log_.writes(LogLevel::warning)) {
        return;
    }
    const Time now = connection.scheduler().now();
    if (warned_of_other_at_ && now - *warned_of_other_at_ < warnings_pause) {
        ++not_warned_of_other_;
        return;
    }
    warned_of_other_at_ = now;
    const std::uint64_t more = std::exchange(not_warned_of_other_, 0);
    log_.warning("{}: speaks {}, closed{}", connection.describe(), name,
                 more == 0 ? "" : "; so were " + std::to_string(more) + " since the last warning");
}

// Not a line for each: whoever opens many connections would fill the log.
void RespProtocol::warn_of_refusals(Time now) {
    if (seat_->clients < max_clients_ || (warned_at_ && now - *warned_at_ < warnings_pause)) {
        return;  // the server itself has said that there are no descriptors
    }
    warned_at_ = now;
    log_.warning(
        "{} clients are connected, as many as are allowed (max_clients): further ones are "
        "refused, {} so far",
        seat_->clients, seat_->refused);
}

std::string RespProtocol::refuse(Time now, std::string_view why) {
    ++seat_->refused;
    warn_of_refusals(now);
    ReplyWriter reply;
    reply.error("ERR", why);
    return reply.take();
}

std::optional<FromAddress> RespProtocol::count(const Connection& connection) const {
    const SocketAddress& remote = connection.remote();
    if (remote.family() != AF_INET && remote.family() != AF_INET6) {
        return std::nullopt;
    }
    return std::optional<FromAddress>(std::in_place, seat_->by_address,
                                      login_source(remote, std::nullopt));
}

void RespProtocol::leave(Session& session) noexcept {
    for (Visit& visit : visits_) {
        if (visit.next_ == &session) {
            visit.next_ = sessions_.next(session);
        }
    }
    sessions_.remove(session);
    --seat_->clients;
}

RespProtocol::Visit::Visit(RespProtocol& protocol) noexcept
    : protocol_(protocol),
      newest_(protocol.connections()),
      next_(protocol.sessions_.empty() ? nullptr : &protocol.sessions_.front()) {
    protocol.visits_.push_back(*this);
}

Session* RespProtocol::Visit::next() noexcept {
    while (next_ != nullptr) {
        Session* const session = next_;
        next_ = protocol_.sessions_.next(*session);
        if (session->id() <= newest_) {
            return session;
        }
    }
    return nullptr;
}

Task<> RespProtocol::input_ended(Connection& connection) {
    if (Session* session = session_of(connection)) {
        session->input_ended();
    }
    co_return;
}

Task<> RespProtocol::keepalive(Connection& connection) {
    Session* session = session_of(connection);
    if (session == nullptr) {
        co_return;
    }
    if (settings_->write_timeout.count() > 0 && session->stuck_for(settings_->write_timeout)) {
        log_.info("{}: takes no replies, closed", connection.describe());
        connection.shutdown(true);
    } else if (settings_->idle_timeout.count() > 0 && session->idle_for(settings_->idle_timeout)) {
        connection.shutdown();
    }
}

Task<> RespProtocol::closed(Connection& connection, CloseReason) {
    connection.data.reset();
    co_return;
}

Task<> RespProtocol::error(Connection& connection, const SocketError& error) {
    if (log_.writes(LogLevel::debug)) {
        log_.debug("{}: {}", connection.describe(), error.what());
    }
    connection.data.reset();
    co_return;
}

}  // namespace weir::resp
