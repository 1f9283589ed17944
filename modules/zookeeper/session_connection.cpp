// The connections of a Session: finding a server, the begin of a connection, its answers, its end.

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <new>

#include "core/net/connect.h"
#include "core/run/random_id.h"
#include "core/run/scheduler.h"
#include "core/wait/timeout.h"
#include "modules/zookeeper/digest_login.h"
#include "modules/zookeeper/session.h"
#include "modules/zookeeper/wire.h"

namespace weir::zookeeper {
namespace {

// More are refused in the reply to a connection, which is short.
constexpr std::size_t longest_connect_reply = 1024;
// The standard allows 2048 bytes for a challenge.
constexpr std::size_t longest_login_reply = 4096;
// Paths that are told to another server in one request; a server refuses more than 1 MiB.
constexpr std::size_t most_watched_bytes = 128 * 1024;

std::string id_text(std::int64_t id) {
    char text[19];
    std::snprintf(text, sizeof text, "0x%" PRIx64, static_cast<std::uint64_t>(id));
    return text;
}

std::string seconds(Duration time) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3g s", std::chrono::duration<double>(time).count());
    return text;
}

Task<std::string> read_frame(ByteStream& stream, std::size_t most, Time deadline = no_deadline) {
    const std::string_view head = co_await stream.read_exactly(4, deadline);
    const std::size_t length = frame_length(head, most);
    const std::string_view bytes = co_await stream.read_exactly(length, deadline);
    co_return std::string(bytes);
}

}  // namespace

Task<> Session::run() {
    try {
        co_await keep_connected();
    } catch (const std::bad_alloc&) {
        end(SessionState::closed, "out of memory");  // it could not even wait
    }
}

Task<> Session::keep_connected() {
    for (;;) {
        co_await sleep(servers_.pause());
        std::string reason;
        try {
            co_await serve(servers_.next());
        } catch (const SystemError& error) {
            reason = error.what();
        } catch (const WireError& error) {
            reason = "reading from " + server_ + ": " + error.what();
        } catch (const LoginError& error) {
            end(SessionState::refused, error.what());
            co_return;
        } catch (const std::bad_alloc&) {
            reason = "out of memory";
        }
        lose_connection(broken_.empty() ? reason : broken_);
    }
}

// What one connection has of the session, as long as it lives.
struct Session::Connected {
    explicit Connected(Session& s) noexcept : session(s) {}
    Connected(const Connected&) = delete;
    Connected& operator=(const Connected&) = delete;
    ~Connected() {
        session.stream_ = nullptr;
        if (keeping_alive != nullptr) {
            keeping_alive->close();
        }
    }

    Session& session;
    Ref<Routine> keeping_alive;
};

// Returns only by an exception: each connection ends with an error, or with the session.
Task<> Session::serve(Address server) {
    broken_.clear();
    server_ = server.text();
    const ByteStream::Owner stream = co_await connect(std::move(server));
    co_await shake_hands(*stream);
    co_await log_in(*stream);
    Connected connected(*this);
    begin(*stream);
    connected.keeping_alive = start(keep_alive(), {.name = "zookeeper.keep_alive", .daemon = true});
    co_await read_replies(*stream);
}

// All servers together may take a third of the timeout: the session shall reach the last before it
// expires.
Task<ByteStream::Owner> Session::connect(Address server) {
    const Duration limit = options_.timeout / 3 / static_cast<Duration::rep>(servers_.size());
    const std::string text = server.text();
    Task<ByteStream::Owner> connecting;
    if (options_.connect) {
        connecting = options_.connect(scheduler(), std::move(server));
    } else {
        ConnectOptions how{.timeout = limit, .tls = options_.tls};
        connecting = weir::connect(scheduler(), std::move(server), std::move(how));
    }
    auto stream = co_await execute_with_timeout(limit, std::move(connecting));
    if (!stream) {
        throw StreamError("connecting to " + text, UV_ETIMEDOUT);
    }
    co_return std::move(*stream);
}

Task<> Session::shake_hands(ByteStream& stream) {
    using std::chrono::milliseconds;
    const BootTime sent = boot_time(scheduler().poller());
    const Time deadline = scheduler().now() + options_.timeout / 3;
    const auto timeout = std::chrono::duration_cast<milliseconds>(options_.timeout).count();
    stream.queue_output(frame_of(ConnectRequest{.last_zxid = last_zxid_,
                                                .timeout = static_cast<std::int32_t>(timeout),
                                                .session = id_,
                                                .password = password_}));
    std::string frame;
    try {
        frame = co_await read_frame(stream, longest_connect_reply, deadline);
    } catch (const StreamError& error) {
        // A server says nothing when it knows less than this session has seen, or has no majority.
        if (error.code() == UV_EOF) {
            broken_ = server_ + " does not take the session";
        }
        throw;
    }
    WireReader reader(frame);
    auto reply = reader.take<ConnectReply>();
    if (reply.timeout <= 0 && id_ != 0) {
        expire();
        broken_ = "the session had expired";
        throw StreamError("connecting to " + server_, UV_ECONNRESET);
    }
    if (reply.timeout <= 0 || reply.session == 0) {
        throw WireError("no session was made");
    }
    const Duration granted = milliseconds(reply.timeout);
    if (id_ == reply.session) {
        validity_.taken_over(sent, granted);
    } else {
        validity_.begin(sent, granted);
    }
    const bool begins = id_ != reply.session;
    id_ = reply.session;
    password_ = std::move(reply.password);
    if (begins && options_.began) {
        options_.began({id_, password_});
    }
}

// Before anything else: servers may require it for all requests.
Task<> Session::log_in(ByteStream& stream) {
    const auto credentials =
        std::ranges::find(options_.credentials, sasl_scheme, &Credentials::scheme);
    if (credentials == options_.credentials.end()) {
        co_return;
    }
    const Time deadline = scheduler().now() + options_.timeout / 3;
    const std::size_t colon = credentials->text.find(':');
    DigestLogin login{.user = credentials->text.substr(0, colon),
                      .password = credentials->text.substr(colon + 1),
                      .client_nonce = random_id(scheduler().poller())};
    const std::string challenge = co_await ask_login(stream, {}, deadline);
    if (challenge.empty()) {
        throw LoginError(server_ + " knows no login by SASL");
    }
    const std::string proof = co_await ask_login(stream, login.answer(challenge), deadline);
    if (!login.is_proven_by(proof)) {
        throw LoginError(server_ + " does not prove that it knows the password of '" + login.user +
                         "'");
    }
}

Task<std::string> Session::ask_login(ByteStream& stream, std::string token, Time deadline) {
    stream.queue_output(
        frame_of(RequestHeader{static_cast<std::int32_t>(Xid::login), OpCode::sasl}, token));
    const std::string frame = co_await read_frame(stream, longest_login_reply, deadline);
    WireReader reader(frame);
    const auto header = reader.take<ReplyHeader>();
    if (header.code != Code::ok) {
        throw LoginError(server_ + " refuses the login: " + text_of(header.code));
    }
    co_return reader.take<std::string>();
}

// Tells the server what it has to know before any request, and lets requests pass.
void Session::begin(ByteStream& stream) {
    for (const Credentials& credentials : options_.credentials) {
        if (credentials.scheme == sasl_scheme) {
            continue;  // told by log_in()
        }
        stream.queue_output(
            frame_of(RequestHeader{static_cast<std::int32_t>(Xid::auth), OpCode::auth},
                     AuthRequest{0, credentials.scheme, credentials.text}));
    }
    for (const SetWatchesRequest& watches : watches_.list(last_zxid_, most_watched_bytes)) {
        stream.queue_output(frame_of(
            RequestHeader{static_cast<std::int32_t>(Xid::set_watches), OpCode::set_watches},
            watches));
    }
    servers_.succeeded();
    stream_ = &stream;
    told_obstacle_ = false;
    requests_.set_obstacle({});
    scheduler().log(LogLevel::info,
                    "session " + id_text(id_) + " is connected to " + server_ +
                        ", with a timeout of " + seconds(timeout()),
                    "zookeeper");
    change(SessionState::connected);
    flush();
}

void Session::flush() noexcept {
    if (stream_ == nullptr) {
        return;
    }
    try {
        std::string frames =
            requests_.send_all(scheduler().now(), boot_time(scheduler().poller()), server_);
        if (!frames.empty()) {
            stream_->queue_output(std::move(frames));
        }
    } catch (...) {
        // What was not sent waits for the next connection.
        scheduler().log_exception("a request to ZooKeeper was not sent");
        broken_ = "out of memory";  // short enough to need none
        give_up(*std::exchange(stream_, nullptr));
    }
}

// Ends the connection, at the latest when its keep_alive() finds out that nothing is sent.
void Session::give_up(ByteStream& stream) const noexcept {
    try {
        stream.cut_input();
    } catch (...) {
        scheduler().log_exception("a connection to ZooKeeper stays open for a while");
    }
}

Task<> Session::read_replies(ByteStream& stream) {
    for (;;) {
        const std::string frame = co_await read_frame(stream, options_.max_message);
        handle(frame);
    }
}

void Session::handle(std::string_view frame) {
    WireReader reader(frame);
    const auto header = reader.take<ReplyHeader>();
    if (header.zxid > 0) {
        last_zxid_ = header.zxid;
    }
    switch (static_cast<Xid>(header.xid)) {
        case Xid::notification:
            notify(reader);
            break;
        case Xid::auth:
            if (header.code != Code::ok) {
                end(SessionState::refused, "the servers refuse the credentials");
            }
            break;
        case Xid::ping:
        case Xid::set_watches:
            break;
        default:
            if (const auto sent = requests_.answered(header, reader.left())) {
                validity_.acknowledged(*sent);
            }
            if (header.code == Code::login_required) {
                throw LoginError(server_ + ": " + text_of(header.code));
            }
            // The next connection says so again, and then for the session.
            if (header.code == Code::session_expired || header.code == Code::session_moved) {
                throw WireError(text_of(header.code));
            }
    }
}

void Session::notify(WireReader& reader) {
    const auto notification = reader.take<Notification>();
    if (notification.change == WatchedChange::none) {
        return;
    }
    watches_.fire(notification.path, notification.change);
    scheduler().emergency_send(
        make_event<NodeEvent>(name_, chroot_.inside(notification.path), notification.change));
}

// Gives the connection up when the session cannot be kept alive by it.
Task<> Session::keep_alive() {
    std::string failure;
    try {
        co_await write_regularly();
    } catch (const Error& error) {
        failure = error.what();
    } catch (const std::bad_alloc&) {
        failure = "out of memory";
    }
    if (stream_ != nullptr) {
        give_up(*stream_);
    }
    broken_ = server_ + " does not confirm that the session lives: " + failure;
}

// A write, because an answered read or ping does not prove that the session lives: see Validity.
// Any other write that was done serves as well.
Task<> Session::write_regularly() {
    Transaction nothing;
    nothing.check("/");
    for (;;) {
        const BootTime now = boot_time(scheduler().poller());
        const BootTime due = validity_.last_sent() + timeout() / 6;
        if (now < due) {
            co_await sleep(due - now);
            continue;
        }
        try {
            co_await commit(nothing, scheduler().now() + timeout() / 3);
        } catch (const RefusedError& error) {
            if (error.code() != Code::no_auth && error.code() != Code::no_node) {
                throw;
            }
            validity_.acknowledged(now);  // the leader has refused it for all servers
        }
    }
}

// --- its end

void Session::lose_connection(const std::string& reason) {
    requests_.connection_lost(reason);
    requests_.set_obstacle(reason);
    if (state_ == SessionState::connected) {
        scheduler().log(LogLevel::warning, "session " + id_text(id_) + ": " + reason, "zookeeper");
        change(SessionState::disconnected, reason);
    } else if (servers_.fruitless_rounds() == 1 && !std::exchange(told_obstacle_, true)) {
        scheduler().log(LogLevel::warning,
                        "no server could be reached of " + servers_.text() + ": " + reason,
                        "zookeeper");
    }
    server_.clear();
}

void Session::expire() {
    const std::string which = "session " + id_text(id_);
    if (options_.resumed) {
        end(SessionState::closed, "the " + which + " has expired");
        return;
    }
    scheduler().log(LogLevel::warning, which + " has expired, a new one begins", "zookeeper");
    id_ = 0;
    password_.clear();
    last_zxid_ = 0;
    validity_.end();
    watches_.end();
    requests_.fail_waiting<SessionExpiredError>("the " + which + " has expired");
    change(SessionState::expired, which + " has expired");
}

void Session::end(SessionState last, const std::string& reason) {
    stream_ = nullptr;
    id_ = 0;
    validity_.end();
    watches_.end();
    requests_.connection_lost(reason);
    requests_.refuse(reason);
    server_.clear();
    change(last, reason);
    Container::close();
}

void Session::change(SessionState next, const std::string& reason) {
    state_ = next;
    scheduler().emergency_send(make_event<SessionEvent>(name_, next, reason));
}

}  // namespace weir::zookeeper
