#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include <uv.h>

namespace weir {

// Thrown when an operation on a stream fails. what() says which operation on what, and why, in
// words and with the name that manuals use:
//
//     reading from tcp://10.0.0.7:443: connection reset by peer (ECONNRESET)
class StreamError : public std::runtime_error {
public:
    // `code` is one of libuv's: UV_ECONNRESET, UV_ETIMEDOUT, -errno. `detail`: the reason in words,
    // where the code alone does not tell it.
    StreamError(std::string_view operation, int code, std::string_view detail = {})
        : std::runtime_error(std::string(operation) + ": " +
                             (detail.empty() ? reason(code) : std::string(detail))),
          code_(code) {}

    int code() const noexcept { return code_; }

    static std::string reason(int code) {
        return std::string(uv_strerror(code)) + " (" + uv_err_name(code) + ')';
    }

private:
    int code_;
};

}  // namespace weir
