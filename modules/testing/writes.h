#pragma once

#include <cerrno>
#include <cstdint>

namespace weir {

// Lets one system call that writes to a file fail, as on a disk that is full: of the calls of this
// thread to write, pwrite, writev, fsync, fdatasync and rename, by whatever part of the program,
// the n-th from when this is made. Standard output and error are left alone, and so are the
// sockets of libuv's own threads. One at a time on a thread.
class WriteFailure {
public:
    explicit WriteFailure(std::uint64_t nth, int error = ENOSPC) noexcept;
    WriteFailure(const WriteFailure&) = delete;
    WriteFailure& operator=(const WriteFailure&) = delete;
    ~WriteFailure();

    // Whether the call has failed.
    bool happened() const noexcept { return happened_; }

    // For the system calls: whether this one fails; `errno` is set then.
    static bool strikes(int descriptor) noexcept;

private:
    const std::uint64_t nth_;
    const int error_;
    std::uint64_t seen_ = 0;
    bool happened_ = false;
};

}  // namespace weir
