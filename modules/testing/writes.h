#pragma once

#include <cerrno>
#include <cstdint>

namespace weir {

/// Makes one system call that writes to a file fail, as on a full disk: the n-th call of write,
/// pwrite, writev, fsync, fdatasync or rename by this thread after construction, in any part of the
/// program. Does not count standard output, standard error, and libuv's own threads. At most one at
/// a time on a thread.
class WriteFailure {
public:
    explicit WriteFailure(std::uint64_t nth, int error = ENOSPC) noexcept;
    WriteFailure(const WriteFailure&) = delete;
    WriteFailure& operator=(const WriteFailure&) = delete;
    ~WriteFailure();

    /// Returns whether the call has failed.
    bool happened() const noexcept { return happened_; }

    /// Called by the system calls. Returns whether this one fails; sets `errno` then.
    static bool strikes(int descriptor) noexcept;

private:
    const std::uint64_t nth_;
    const int error_;
    std::uint64_t seen_ = 0;
    bool happened_ = false;
};

}  // namespace weir
