#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

struct redisContext;
struct redisReply;

namespace weir::app {

// The server cannot be reached, or the connection to it is lost.
class ConnectionError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// What a server answered.
class Reply {
public:
    enum class Kind { nothing, text, integer, list, error };

    explicit Reply(redisReply* reply) noexcept;

    Kind kind() const noexcept;
    // Of a text or an error.
    std::string_view text() const noexcept;
    long long integer() const noexcept;

private:
    struct Free {
        void operator()(redisReply* reply) const noexcept;
    };
    std::unique_ptr<redisReply, Free> reply_;
};

// A connection to a server that speaks the Redis protocol, as lockd does. Blocks, but where it says
// that it does not.
class RespClient {
public:
    // Where the server is if nothing else is said.
    static constexpr std::string_view default_address = "127.0.0.1:6380";

    // Connects: "host:port", "[::1]:port", with or without "tcp://", or "unix:/path". Throws
    // ConnectionError, and std::invalid_argument for what is no address. With `patience`, the
    // connection is lost if connecting or an answer takes longer.
    explicit RespClient(const std::string& address,
                        std::optional<std::chrono::milliseconds> patience = {});

    // Sends a command and waits for the answer, as long as it takes. Throws ConnectionError.
    Reply command(const std::vector<std::string>& arguments);

    // --- without blocking, for who waits for the socket itself

    int socket() const noexcept;
    // Sends a command. Throws ConnectionError.
    void send(const std::vector<std::string>& arguments);
    // Reads what has come; returns how many answers there were. Throws ConnectionError when the
    // server has closed the connection.
    int receive();

private:
    struct Free {
        void operator()(redisContext* context) const noexcept;
    };
    [[noreturn]] void fail(const char* doing) const;

    std::string address_;
    std::unique_ptr<redisContext, Free> context_;
};

}  // namespace weir::app
