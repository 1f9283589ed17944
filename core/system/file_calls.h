#pragma once

// System calls on files, for this room. Each may wait for a disk: call it on another thread.

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <sys/stat.h>

#include "core/system/files.h"

namespace weir::detail {

[[noreturn]] void fail_operation(std::string_view operation, const std::string& path,
                                 int error = errno);

// Repeats a system call that a signal interrupts.
template <class F>
auto uninterrupted(F call) {
    for (;;) {
        if (const auto result = call(); result >= 0 || errno != EINTR) {
            return result;
        }
    }
}

FileStatus status_of(const struct stat& found) noexcept;

// Reads up to `size` bytes from the position on: fewer at the end of the file. `path` is for the
// error.
std::string read_at(int file, const std::string& path, std::uint64_t position, std::size_t size);

}  // namespace weir::detail
