#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "modules/resp/request.h"

namespace weir::resp {

struct RequestLimits {
    std::size_t arguments = 1024;
    std::size_t argument_bytes = 256 * 1024;
    std::size_t request_bytes = 1024 * 1024;  // of all arguments together
    std::size_t line_bytes = 64 * 1024;       // of a request that is a line of text
};

// Reads requests of the Redis protocol from bytes that arrive in any pieces: arrays of bulk
// strings,
//
//     *2\r\n$4\r\nLOCK\r\n$3\r\nkey\r\n
//
// and lines that a person types: LOCK key. Stores at most one request, within the limits. Stricter
// than Redis in that each \r needs its \n.
class RequestParser {
public:
    enum class Status {
        incomplete,      // all bytes are taken, and the request needs more
        complete,        // a request is ready
        refused,         // a request was wrong and has ended; the next one can be read
        broken,          // framing is lost: close the connection
        other_protocol,  // a browser's or another stranger's: close it, and answer nothing
    };

    explicit RequestParser(RequestLimits limits = {}) noexcept : limits_(limits) {}

    // Takes bytes from the front of `input`, up to the end of a request. Empty requests are
    // skipped, as in Redis. Once broken, or of another protocol, it takes everything and stays
    // broken.
    Status parse(std::string_view& input);

    // Returns the request that the last call completed; valid until the next call. May be moved
    // from.
    Request& request() noexcept { return request_; }
    // Returns why the last call refused a request or lost the framing, as Redis words it, or the
    // name of the other protocol.
    const std::string& reason() const noexcept { return reason_; }

    // Whether a request has begun and not ended.
    bool in_request() const noexcept { return state_ != State::start; }

    // For the requests that begin after this.
    void set_limits(const RequestLimits& limits) noexcept { limits_ = limits; }

    // Larger than any configuration allows; a larger number is taken for lost framing.
    static constexpr std::int64_t most_arguments = 1024 * 1024;
    static constexpr std::int64_t longest_argument = 512 * 1024 * 1024;

private:
    enum class State { start, line, count, dollar, length, argument, argument_end, broken };

    // A decimal number that ends with \r\n, byte by byte.
    struct Number {
        enum class Step { more, done, wrong };
        Step take(char c) noexcept;

        std::int64_t value = 0;
        int digits = 0;
        bool negative = false;
        bool ending = false;  // \r was there
    };

    bool take_whole(std::string_view& input);
    Status step(std::string_view& input);
    Status take_line(std::string_view& input);
    Status take_number(std::string_view& input);
    Status begin_array();
    Status begin_argument();
    void take_argument(std::string_view& input);
    Status take_argument_end(std::string_view& input);
    Status end_request();

    void refuse(std::string reason);
    void refuse_argument(std::size_t bytes);
    Status break_off(std::string reason);
    void break_off();

    RequestLimits limits_;
    State state_ = State::start;
    Request request_;
    std::string line_;
    Number number_;
    std::int64_t arguments_left_ = 0;
    std::size_t bytes_left_ = 0;  // of the argument, or of its \r\n
    std::string reason_;
    bool refusing_ = false;  // the rest of the request is skipped
};

}  // namespace weir::resp
