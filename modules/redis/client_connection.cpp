// The connections of a Client: reaching the server, logging in, reading replies, the end.

#include <algorithm>
#include <new>
#include <stdexcept>

#include "core/net/connect.h"
#include "core/run/backoff.h"
#include "core/run/scheduler.h"
#include "core/wait/do_events.h"
#include "core/wait/timeout.h"
#include "modules/redis/client.h"
#include "modules/redis/events.h"

namespace weir::redis {
namespace {

bool is_word(const Reply& reply, std::string_view word) noexcept {
    return (reply.type == Reply::Type::text || reply.type == Reply::Type::status) &&
           reply.text == word;
}

// Whether the server has answered HELLO 3 so because it speaks version 2 alone, or does not allow
// HELLO.
bool knows_version_2_alone(const Reply& reply) noexcept {
    return reply.text.starts_with("ERR ") || reply.text.starts_with("NOPROTO") ||
           reply.text.starts_with("NOPERM");
}

}  // namespace

Task<> Client::run() {
    for (;;) {
        try {
            co_await keep_connected();
        } catch (const std::bad_alloc&) {
            // It could not even wait for its pause: other routines run before the next attempt.
            requests_.set_obstacle("out of memory");
        }
        co_await do_events();
    }
}

Task<> Client::keep_connected() {
    for (;;) {
        std::string reason;
        try {
            co_await serve();
        } catch (const SystemError& error) {
            reason = error.what();
        } catch (const ReplyError& error) {
            reason = "reading from " + server_text_ + ": " + error.what();
        } catch (const Error& error) {
            reason = error.what();
        } catch (const std::invalid_argument& error) {
            reason = error.what();  // the path of a socket is too long
        } catch (const std::bad_alloc&) {
            reason = "out of memory";
        }
        try {
            lose_connection(broken_.empty() ? reason : broken_);
        } catch (const std::bad_alloc&) {
            requests_.connection_lost("out of memory");
        }
        co_await sleep(random_pause(failures_, options_.longest_pause, scheduler().poller()));
    }
}

// What one connection has of the client, as long as it lives.
struct Client::Connected {
    explicit Connected(Client& c) noexcept : client(c) {}
    Connected(const Connected&) = delete;
    Connected& operator=(const Connected&) = delete;
    ~Connected() {
        client.stream_ = nullptr;
        if (keeping_alive != nullptr) {
            keeping_alive->close();
        }
    }

    Client& client;
    Ref<Routine> keeping_alive;
};

// Returns only by an exception.
Task<> Client::serve() {
    broken_.clear();
    parser_ = ReplyParser(options_.limits);
    const Time deadline = scheduler().now() + options_.connect_timeout;
    const ByteStream::Owner stream = co_await connect(deadline);
    co_await greet(*stream, deadline);
    Connected connected(*this);
    begin(*stream);
    connected.keeping_alive =
        start(keep_alive(), {.name = options_.name + ".keep_alive", .daemon = true});
    co_await read_replies(*stream);
}

Task<ByteStream::Owner> Client::connect(Time deadline) {
    Task<ByteStream::Owner> connecting;
    if (options_.connect) {
        connecting = options_.connect(scheduler(), server_);
    } else {
        ConnectOptions how{.timeout = options_.connect_timeout, .tls = options_.tls};
        how.stream.tcp_keepalive = std::chrono::minutes(1);
        connecting = weir::connect(scheduler(), server_, std::move(how));
    }
    auto stream =
        co_await execute_with_timeout(deadline - scheduler().now(), std::move(connecting));
    if (!stream) {
        throw StreamError("connecting to " + server_text_, UV_ETIMEDOUT);
    }
    co_return std::move(*stream);
}

// --- the begin of a connection, before any command

Task<> Client::greet(ByteStream& stream, Time deadline) {
    co_await say_hello(stream, deadline);
    if (options_.database != 0) {
        Task<Reply> asking = ask(stream, Command("SELECT", options_.database), deadline);
        const Reply reply = co_await asking;
        if (reply.is_error()) {
            throw ServerError("SELECT on " + server_text_, reply.text);
        }
    }
    if (is_for_messages()) {
        co_await subscribe(stream, deadline);
    }
}

Task<> Client::say_hello(ByteStream& stream, Time deadline) {
    std::vector<std::string> hello{"HELLO", "3"};
    if (!login_.is_default()) {
        hello.insert(hello.end(),
                     {"AUTH", login_.user.empty() ? "default" : login_.user, login_.password});
    }
    hello.insert(hello.end(), {"SETNAME", options_.name});
    version_ = 3;
    Task<Reply> asking = ask(stream, Command(hello), deadline);
    const Reply reply = co_await asking;
    if (!reply.is_error()) {
        co_return;
    }
    if (!knows_version_2_alone(reply)) {
        throw ServerError("HELLO on " + server_text_, reply.text);
    }
    version_ = 2;
    if (!login_.is_default()) {
        co_await log_in_with_version_2(stream, deadline);
    }
    Task<Reply> naming = ask(stream, Command("CLIENT", "SETNAME", options_.name), deadline);
    co_await naming;  // without a name it works as well
}

Task<> Client::log_in_with_version_2(ByteStream& stream, Time deadline) {
    std::vector<std::string> login{"AUTH"};
    if (!login_.user.empty()) {
        login.push_back(login_.user);
    }
    login.push_back(login_.password);
    Task<Reply> asking = ask(stream, Command(login), deadline);
    const Reply reply = co_await asking;
    if (reply.is_error()) {
        throw ServerError("AUTH on " + server_text_, reply.text);
    }
}

// The server confirms each channel and pattern, perhaps behind messages of the ones before.
Task<> Client::subscribe(ByteStream& stream, Time deadline) {
    const auto send = [&stream](const char* name, const std::vector<std::string>& what) {
        if (!what.empty()) {
            std::vector<std::string> command{name};
            command.insert(command.end(), what.begin(), what.end());
            stream.queue_output(Command(command).take_bytes());
        }
    };
    send("SUBSCRIBE", options_.channels);
    send("PSUBSCRIBE", options_.patterns);
    for (std::size_t left = options_.channels.size() + options_.patterns.size(); left != 0;) {
        Task<Reply> reading = read_reply(stream, deadline);
        Reply reply = co_await reading;
        if (reply.is_error()) {
            throw ServerError("SUBSCRIBE on " + server_text_, reply.text);
        }
        const bool confirms = !reply.items.empty() && (is_word(reply.items[0], "subscribe") ||
                                                       is_word(reply.items[0], "psubscribe"));
        if (confirms) {
            --left;
        } else {
            takes_as_message(reply);
        }
    }
}

Task<Reply> Client::ask(ByteStream& stream, Command command, Time deadline) {
    stream.queue_output(command.take_bytes());
    return read_reply(stream, deadline);
}

Task<Reply> Client::read_reply(ByteStream& stream, Time deadline) {
    for (;;) {
        std::string_view bytes = co_await stream.peek(1, deadline);
        if (bytes.empty()) {
            throw StreamError("reading from " + server_text_, UV_EOF);
        }
        const std::size_t all = bytes.size();
        std::optional<Reply> reply = parser_.read(bytes);
        stream.consume(all - bytes.size());
        if (reply) {
            co_return std::move(*reply);
        }
    }
}

void Client::begin(ByteStream& stream) {
    failures_ = 0;
    ++connections_;
    stream_ = &stream;
    reading_since_ = scheduler().now();
    requests_.set_obstacle({});
    scheduler().log(LogLevel::info,
                    "connected to " + server_text_ + ", version " + std::to_string(version_) +
                        " of the protocol",
                    options_.name);
    scheduler().emergency_send(
        make_event<ConnectionChanged>(options_.name, ConnectionState::connected));
    flush();
}

// --- reading

Task<> Client::read_replies(ByteStream& stream) {
    for (;;) {
        std::string_view bytes = co_await stream.peek();
        if (bytes.empty()) {
            throw StreamError("reading from " + server_text_, UV_EOF);
        }
        const std::size_t all = bytes.size();
        while (!bytes.empty()) {
            if (std::optional<Reply> reply = parser_.read(bytes)) {
                handle(std::move(*reply));
            }
        }
        stream.consume(all);
        if (!has_room_for_messages()) {
            co_await until_room_for_messages();
        }
    }
}

bool Client::has_room_for_messages() const noexcept {
    return inbox_.size() < options_.max_messages && inbox_bytes_ < options_.limits.max_size;
}

Task<> Client::until_room_for_messages() {
    const MatcherOf<SocketEvent> writable = inbox_changed_.matcher(SocketEvent::Type::writable);
    is_stopped_ = true;
    while (!has_room_for_messages()) {
        inbox_changed_.want(SocketEvent::Type::writable);
        co_await writable;
    }
    is_stopped_ = false;
    reading_since_ = scheduler().now();
}

void Client::handle(Reply reply) {
    if (!takes_as_message(reply)) {
        requests_.answered(std::move(reply));
    }
}

// Returns whether the reply answers no command. Other such pushes than messages are of no use.
bool Client::takes_as_message(Reply& reply) {
    const bool is_push = reply.type == Reply::Type::push ||
                         (version_ == 2 && is_for_messages() && reply.items.size() >= 3);
    if (!is_push) {
        return false;
    }
    std::vector<Reply>& items = reply.items;
    if (items.size() == 3 && is_word(items[0], "message")) {
        inbox_.push_back({std::move(items[1].text), {}, std::move(items[2].text)});
    } else if (items.size() == 4 && is_word(items[0], "pmessage")) {
        inbox_.push_back(
            {std::move(items[2].text), std::move(items[1].text), std::move(items[3].text)});
    } else {
        return true;
    }
    inbox_bytes_ += inbox_.back().size();
    ++messages_;
    inbox_changed_.signal(SocketEvent::Type::readable);
    return true;
}

// --- the end of a connection

// Gives up a connection to a server that is silent when it should not be.
Task<> Client::keep_alive() {
    try {
        do {
            co_await sleep(std::min(options_.ping_interval, options_.command_timeout));
            if (stream_ == nullptr) {
                co_return;
            }
        } while (!is_silent());
        broken_ = server_text_ + " does not answer";
    } catch (const std::bad_alloc&) {
        broken_ = "out of memory";  // short enough to need none
    }
    if (stream_ != nullptr) {
        give_up(*std::exchange(stream_, nullptr));
    }
}

bool Client::is_silent() {
    const Time now = scheduler().now();
    const Duration silence = now - std::max(stream_->last_received(), reading_since_);
    if (is_stopped_) {
        return false;
    }
    if (const std::optional<Requests::Owed> owed = requests_.owed()) {
        return std::min(now - owed->since, silence) >= options_.command_timeout &&
               now >= owed->deadline;
    }
    if (silence >= options_.ping_interval) {
        requests_.expect_any(now);
        stream_->queue_output(Command("PING").take_bytes());
    }
    return false;
}

// Ends the connection, at the latest when the system finds that nothing can be sent.
void Client::give_up(ByteStream& stream) const noexcept {
    try {
        stream.cut_input();
    } catch (...) {
        scheduler().log_exception("a connection to a server stays open for a while");
    }
}

void Client::lose_connection(const std::string& reason) {
    const bool was_connected = requests_.obstacle().empty() && failures_ == 0 && connections_ != 0;
    const bool is_news = reason != requests_.obstacle();
    requests_.connection_lost(reason);
    requests_.set_obstacle(reason);
    ++failures_;
    if (is_news) {
        scheduler().log(LogLevel::warning, reason, options_.name);
    }
    if (was_connected) {
        scheduler().emergency_send(
            make_event<ConnectionChanged>(options_.name, ConnectionState::disconnected, reason));
    }
}

}  // namespace weir::redis
