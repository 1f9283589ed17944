#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include <uv.h>

namespace weir {

/// Thrown when the operating system refuses an operation. what() says which operation on what, and
/// why, in words and with the name that manuals use:
///
///     opening /etc/shadow: permission denied (EACCES)
class SystemError : public std::runtime_error {
public:
    /// `code` is one of libuv's, which is -errno on Linux: UV_ENOENT.
    SystemError(std::string_view operation, int code)
        : std::runtime_error(std::string(operation) + ": " + reason(code)), code_(code) {}

    int code() const noexcept { return code_; }

    static std::string reason(int code) {
        return std::string(uv_strerror(code)) + " (" + uv_err_name(code) + ')';
    }

private:
    int code_;
};

}  // namespace weir
