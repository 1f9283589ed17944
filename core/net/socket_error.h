#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include <uv.h>

namespace weir {

// An operation on a socket has failed; what() says which, and why.
class SocketError : public std::runtime_error {
public:
    // `code` is one of libuv's: UV_ECONNREFUSED, -errno.
    SocketError(std::string_view operation, int code)
        : std::runtime_error(std::string(operation) + ": " + uv_strerror(code)), code_(code) {}

    int code() const noexcept { return code_; }

private:
    int code_;
};

}  // namespace weir
