#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include <uv.h>

namespace weir {

// Thrown when an operation on a socket fails. what() says which operation on which address, and
// why, in words and with the name that manuals use:
//
//     listening on tcp://127.0.0.1:80: permission denied (EACCES)
class SocketError : public std::runtime_error {
public:
    // `code` is one of libuv's: UV_ECONNREFUSED, -errno.
    SocketError(std::string_view operation, int code)
        : std::runtime_error(std::string(operation) + ": " + reason(code)), code_(code) {}

    int code() const noexcept { return code_; }

    static std::string reason(int code) {
        return std::string(uv_strerror(code)) + " (" + uv_err_name(code) + ')';
    }

private:
    int code_;
};

}  // namespace weir
