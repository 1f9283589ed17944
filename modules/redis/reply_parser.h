#pragma once

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "modules/redis/reply.h"

namespace weir::redis {

struct ReplyLimits {
    // Of a reply in memory: its texts, and sizeof(Reply) for each element.
    std::size_t max_size = 16 * 1024 * 1024;
    // Lists and maps within each other.
    std::size_t max_depth = 32;
};

// Thrown when the bytes are no reply, or a larger one than allowed; the connection cannot go on.
class ReplyError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// Reads replies of the Redis protocol, versions 2 and 3, from bytes that come in any pieces. It
// keeps what it has read of a reply, so that no input buffer has to hold a whole one.
//
// A parser of our own, because hiredis 0.14, which Debian 12 has, reads version 2 only.
class ReplyParser {
public:
    explicit ReplyParser(ReplyLimits limits = {}) noexcept : limits_(limits) {}

    // Reads up to the end of a reply, and removes what it has read from the front of `bytes`.
    // Returns the reply, or nothing if its end has not come: then `bytes` is empty. Throws
    // ReplyError; the parser is of no use afterwards.
    std::optional<Reply> read(std::string_view& bytes);

private:
    struct Open {
        Reply reply;
        std::size_t left;           // elements that have not come
        bool is_attribute = false;  // says something about the next element, which is dropped
    };

    bool read_line(std::string_view& bytes);
    bool read_text(std::string_view& bytes);
    std::optional<Reply> take_line();
    std::optional<Reply> begin_text(std::string_view length, Reply::Type type);
    std::optional<Reply> begin_list(std::string_view count, Reply::Type type, std::size_t each,
                                    bool is_attribute = false);
    std::optional<Reply> put(Reply reply);
    void use(std::size_t size);

    ReplyLimits limits_;
    std::string line_;           // the begin of a line whose end has not come
    std::optional<Reply> text_;  // whose bytes have not all come
    std::size_t text_left_ = 0;  // bytes of it that have not come, and "\r\n"
    bool is_verbatim_ = false;   // it begins with its format, "txt:"
    std::vector<Open> open_;     // lists within each other, the outermost first
    std::size_t used_ = 0;       // by the present reply
};

}  // namespace weir::redis
