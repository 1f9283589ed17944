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
    /// `code` is -errno, or another one of libuv's. `detail`: the reason in words, where the code
    /// does not tell it; empty: that of the code.
    SystemError(std::string_view operation, int code, std::string_view detail = {});

    int code() const noexcept { return code_; }

    /// Returns "permission denied (EACCES)".
    static std::string reason(int code);

private:
    int code_;
};

}  // namespace weir
