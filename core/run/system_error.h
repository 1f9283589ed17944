#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace weir {

/// Thrown when the operating system refuses an operation. what() says which operation on what, and
/// why, in words and with the name that manuals use:
///
///     opening /etc/shadow: permission denied (EACCES)
class SystemError : public std::runtime_error {
public:
    /// `code` is -errno, or another one of libuv's.
    SystemError(std::string_view operation, int code);

    int code() const noexcept { return code_; }

    /// Returns "permission denied (EACCES)".
    static std::string reason(int code);

private:
    int code_;
};

}  // namespace weir
