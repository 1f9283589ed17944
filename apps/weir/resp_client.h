#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/weir/connection_error.h"
#include "apps/weir/server_socket.h"

struct redisReader;
struct redisReply;

namespace weir::app {

// What a server answered.
class Reply {
public:
    enum class Kind { nothing, text, integer, list, error };

    explicit Reply(redisReply* reply) noexcept;

    Kind kind() const noexcept;
    // Returns the text of a reply of kind text or error.
    std::string_view text() const noexcept;
    long long integer() const noexcept;
    // Returns the texts in a list; "" for an element of another kind.
    std::vector<std::string_view> texts() const;
    // Returns the texts and numbers of each list in a list.
    std::vector<std::vector<std::string>> rows() const;
    // Returns an error for people: safe to print, and with what to do about a missing password.
    std::string error() const;

private:
    struct Free {
        void operator()(redisReply* reply) const noexcept;
    };
    std::unique_ptr<redisReply, Free> reply_;
};

// A connection to a server that speaks the Redis protocol, as lockd does.
//
// No function waits for ever for a server that is stopped or hangs: connecting, and each answer,
// has the limit that the constructor is given. An answer may take a second more for each 64 KiB of
// it, but no longer than until the caller's `end`, and has a largest size. Time in which this
// process is stopped does not count (Patience), and what has arrived is read before an answer is
// called late.
class RespClient {
public:
    using Clock = std::chrono::steady_clock;

    // Where the server is if nothing else is said.
    static constexpr std::string_view default_address = "127.0.0.1:6380";
    static constexpr double default_limit = 10;  // seconds

    // Connects: "host:port", "[::1]:port", with or without "tcp://", "tls://host:port", or
    // "unix:/path". Throws ConnectionError, and std::invalid_argument for what is no address.
    RespClient(const std::string& address, double limit_in_seconds, const TlsFiles& files = {});
    RespClient(const RespClient&) = delete;
    RespClient& operator=(const RespClient&) = delete;

    // Sends a command and waits for the answer, until the limit or, if that is sooner, `end`.
    // Throws ConnectionError.
    Reply command(const std::vector<std::string>& arguments,
                  std::optional<Clock::time_point> end = {});
    // The same for an answer that may take any time, or until `end`: fails when the server, asked
    // by another connection again and again, does not answer there within the limit. With `look`,
    // that is called each second, and asks the server instead; it throws ConnectionError.
    Reply long_command(const std::vector<std::string>& arguments,
                       std::optional<Clock::time_point> end,
                       const std::function<void()>& look = {});

    // Waits for a message that the server sends by itself, for any time; fails as long_command()
    // does.
    Reply next_message();

    // --- without waiting, for callers that poll the socket themselves

    int socket() const noexcept { return socket_.descriptor(); }
    Clock::duration limit() const noexcept { return limit_; }
    // Sends a command, or keeps what the socket cannot take now for the next call. Throws
    // ConnectionError.
    void send(const std::vector<std::string>& arguments);
    // Reads what has arrived, and returns the answers. Throws ConnectionError when the server has
    // closed the connection, or says that it has taken a lock away.
    std::vector<Reply> receive();

private:
    struct Free {
        void operator()(redisReader* reader) const noexcept;
    };

    std::size_t read();
    std::optional<Reply> next_reply();
    std::optional<Reply> arrived_reply();
    std::optional<Reply> reply_within(Clock::duration time, bool more_for_long_ones);
    Reply long_reply(std::optional<Clock::duration> left, const std::function<void()>& look);
    Clock::duration time_until(Clock::time_point end) const;
    bool server_answers(const std::function<void()>& look) const;
    std::string lost(const std::string& why) const;
    [[noreturn]] void fail(const std::string& why) const;
    [[noreturn]] void fail_late() const;

    const std::string address_;
    const TlsFiles files_;
    const Clock::duration limit_;
    ServerSocket socket_;
    std::size_t received_ = 0;  // bytes of the answer that is awaited
    std::size_t elements_ = 0;  // of the lists in it
    std::unique_ptr<redisReader, Free> reader_;
};

}  // namespace weir::app
