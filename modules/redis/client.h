#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/net/address.h"
#include "core/run/container.h"
#include "core/stream/byte_stream.h"
#include "core/stream/socket_events.h"
#include "core/tls/tls_context.h"
#include "modules/redis/command.h"
#include "modules/redis/error.h"
#include "modules/redis/reply.h"
#include "modules/redis/reply_parser.h"
#include "modules/redis/request.h"

namespace weir::redis {

// The deadline of a command that has none of its own: ClientOptions::command_timeout from when it
// is made.
inline constexpr Time usual_deadline = Time::min();

// Who this is; without both, the server's default user. A user without a password logs in with an
// empty one.
struct Login {
    std::string user = {};
    std::string password = {};

    bool is_default() const noexcept { return user.empty() && password.empty(); }
};

struct ClientOptions {
    // "tcp://host:6379", "tls://host:6380" or "unix:/path".
    std::string server = "tcp://127.0.0.1:6379";
    Login login = {};
    std::uint32_t database = 0;
    // In the events and the log of this process, and in the server's CLIENT LIST.
    std::string name = "redis";
    // For finding the server, TLS and login together.
    Duration connect_timeout = std::chrono::seconds(5);
    Duration command_timeout = std::chrono::seconds(10);
    // The longest pause between two attempts to connect. The first is short, each further one up
    // to twice as long, at random.
    Duration longest_pause = std::chrono::seconds(5);
    // A server that says nothing for so long is asked whether it is there.
    Duration ping_interval = std::chrono::seconds(15);
    // How many commands may wait, to be sent or for a reply.
    std::size_t max_pending = 10'000;
    ReplyLimits limits = {};
    // Subscribed to on each connection. A client with any is for messages alone: it takes no
    // commands.
    std::vector<std::string> channels = {};
    std::vector<std::string> patterns = {};
    // While so many messages wait, or as many bytes of them as a reply may have (`limits`), none is
    // read: the server keeps them, up to its own limit.
    std::size_t max_messages = 1000;
    // For tls:// addresses; see ConnectOptions.
    std::shared_ptr<TlsContext> tls = {};
    // Connects, for tests; empty: weir::connect().
    std::function<Task<ByteStream::Owner>(Scheduler& scheduler, Address server)> connect = {};
};

struct Message {
    std::string channel;
    std::string pattern;  // by which it has come; empty: by its channel
    std::string payload;

    std::size_t size() const noexcept { return channel.size() + pattern.size() + payload.size(); }
};

// A connection to a server of the Redis protocol (Redis, Valkey, KeyDB, lockd), in coroutines on a
// scheduler:
//
//     Client client(scheduler, ClientOptions{.server = "tcp://localhost:6379"});
//     co_await client.command("SET", "greeting", "hello");
//     const Reply reply = co_await client.command("GET", "greeting");
//     use(reply.text);
//
// It connects at once, and again whenever the connection is lost. Commands of many routines share
// the connection: they are sent at once, one behind the other, without waiting for replies. A
// command that is made while there is no connection waits for one, up to its deadline. When the
// connection is lost before a reply, the command fails with an InDoubtError, and is never sent
// twice, unless it is Command::safe_to_repeat(). All that is thrown by commands is an Error
// (error.h), but std::invalid_argument for one that cannot share a connection (Command::unfit).
//
// It speaks version 3 of the protocol, or 2 where the server knows no other.
//
// Sends redis::ConnectionChanged events. Belongs to the scheduler's thread. Must outlive the
// commands that are made of it.
class Client final : private Container, private Requests::Owner {
public:
    // Throws AddressError, or std::invalid_argument for other wrong options.
    Client(Scheduler& scheduler, ClientOptions options);
    ~Client() override;

    using Container::scheduler;

    const std::string& name() const noexcept { return options_.name; }
    const Address& server() const noexcept { return server_; }
    bool is_connected() const noexcept { return stream_ != nullptr; }
    // The version of the protocol, 2 or 3; 0: not connected.
    int version() const noexcept { return is_connected() ? version_ : 0; }
    // Why it is not connected; empty: it is, or tries for the first time.
    const std::string& obstacle() const noexcept { return requests_.obstacle(); }
    // How often a connection was made.
    std::uint64_t connections() const noexcept { return connections_; }
    const Requests& requests() const noexcept { return requests_; }

    PendingReply command(Command command, Time deadline = usual_deadline);
    // client.command("SET", key, 1)
    template <class... T>
        requires(... && (std::convertible_to<const T&, std::string_view> || std::integral<T>))
    PendingReply command(const char* name, const T&... arguments) {
        return command(Command(name, arguments...));
    }

    // Executes a script of Lua. It is sent as its digest, and whole only if the server does not
    // know it, as after a restart or SCRIPT FLUSH.
    Task<Reply> script(std::string text, std::vector<std::string> keys,
                       std::vector<std::string> arguments, bool safe_to_repeat = false,
                       Time deadline = usual_deadline);

    // The oldest message that was not popped; waits for one. The reference is valid until it is
    // popped, or taken by another client.
    Task<std::reference_wrapper<const Message>> next_message();
    // Requires that there is one.
    void pop_message();
    // Takes the messages of another client that were not popped, before its own.
    void take_messages(Client& from);
    std::uint64_t messages() const noexcept { return messages_; }  // in all
    // How many were not popped.
    std::size_t waiting_messages() const noexcept { return inbox_.size(); }

    // For the next connections.
    void set_login(Login login) { login_ = std::move(login); }
    // Reads the files of ClientOptions::tls again, for the next connections. If that fails, throws
    // TlsError and has changed nothing.
    void read_certificates_again();

private:
    struct Connected;

    void request_waits() noexcept override { flush(); }
    void flush() noexcept;

    // --- client_connection.cpp

    Task<> run();
    Task<> keep_connected();
    Task<> serve();
    Task<ByteStream::Owner> connect(Time deadline);
    Task<> greet(ByteStream& stream, Time deadline);
    Task<> say_hello(ByteStream& stream, Time deadline);
    Task<> log_in_with_version_2(ByteStream& stream, Time deadline);
    Task<> subscribe(ByteStream& stream, Time deadline);
    Task<Reply> ask(ByteStream& stream, Command command, Time deadline);
    Task<Reply> read_reply(ByteStream& stream, Time deadline);
    void begin(ByteStream& stream);
    Task<> read_replies(ByteStream& stream);
    bool has_room_for_messages() const noexcept;
    Task<> until_room_for_messages();
    void handle(Reply reply);
    bool takes_as_message(Reply& reply);
    Task<> keep_alive();
    bool is_silent();
    void give_up(ByteStream& stream) const noexcept;
    void lose_connection(const std::string& reason);

    bool is_for_messages() const noexcept {
        return !options_.channels.empty() || !options_.patterns.empty();
    }

    const ClientOptions options_;
    const Address server_;
    const std::string server_text_;
    Login login_;
    Requests requests_;
    int version_ = 3;
    std::uint32_t failures_ = 0;  // since the last connection
    std::uint64_t connections_ = 0;
    ByteStream* stream_ = nullptr;  // while commands can be sent
    std::string broken_;            // why the connection is given up; empty: it is not
    ReplyParser parser_;
    std::deque<Message> inbox_;
    std::size_t inbox_bytes_ = 0;
    Source inbox_changed_;     // readable: there is a message; writable: there is room for one
    bool is_stopped_ = false;  // reads nothing, because messages wait
    Time reading_since_;
    std::uint64_t messages_ = 0;
};

// Returns the digest by which a server knows a script: SHA-1, in 40 hexadecimal digits.
std::string script_digest(std::string_view text);

}  // namespace weir::redis
