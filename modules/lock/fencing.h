#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stdexcept>

namespace weir {

// Fencing tokens cannot be had: the file is corrupt, unreadable, used by another process, or
// could not be written. The message names the file.
class FencingError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// The numbers that grants are given: each is larger than all before it, so that what a lock
// protects can refuse a holder that has been overtaken. (The idea is M. Kleppmann's, "How to do
// distributed locking".)
//
// With a state directory they grow across restarts too: they are reserved in blocks in the file
// `fencing`, which is written beside, synced and renamed before the first number of a block is
// used; after a restart the rest of the block is skipped. A lock file, `fencing.lock`, keeps other
// processes out. Reserving writes and syncs a small file, on the caller's thread, once for each
// block: the loop stands still for it, some milliseconds on a slow disk in a thousand grants.
//
// Without a directory they start at 1 with each object.
class FencingTokens {
public:
    static constexpr std::uint64_t default_block = 1000;

    FencingTokens() noexcept = default;
    // Makes the directory if need be, and reserves the first block. Throws FencingError.
    explicit FencingTokens(std::filesystem::path directory, std::uint64_t block = default_block);
    FencingTokens(const FencingTokens&) = delete;
    FencingTokens& operator=(const FencingTokens&) = delete;
    ~FencingTokens();

    // Makes sure that next() has a number. Throws FencingError; the numbers that there are stay
    // valid, and it may be called again.
    void ensure() {
        if (next_ >= end_) [[unlikely]] {
            reserve();
        }
    }
    // The next number. Requires ensure().
    std::uint64_t next() noexcept { return next_++; }

private:
    void take_lock_file();
    std::uint64_t read() const;
    void reserve();
    void write(std::uint64_t end) const;
    void mark_used() const;

    std::filesystem::path directory_;  // empty: in memory only
    std::uint64_t block_ = UINT64_MAX - 1;
    std::uint64_t next_ = 1;
    std::uint64_t end_ = 1;  // the first number that is not reserved
    int lock_file_ = -1;
};

}  // namespace weir
