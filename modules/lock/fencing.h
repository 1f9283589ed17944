#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>

namespace weir {

// Fencing tokens cannot be had: the file is corrupt, unreadable or missing, or it could not be
// written. The message names the file.
class FencingError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

struct FencingOptions {
    // No token is smaller. The program passes the wall clock in microseconds: fewer than a million
    // grants are made in a second, so that the clock is ahead of all tokens of earlier runs.
    std::uint64_t start = 1;
    // Where tokens are reserved; empty: nowhere, they are counted in memory.
    std::filesystem::path directory = {};
    // Called with the reason when the directory cannot be used; tokens are counted in memory from
    // then on. Without it FencingError is thrown instead.
    std::function<void(const std::string& reason)> on_failure = {};
    // How many tokens are reserved first, and at most, by one write.
    std::uint64_t block = 10'000;
    std::uint64_t largest_block = 1'000'000;
};

// Hands out fencing tokens: each number is larger than all before it, and each grant of a lock has
// its own. A resource that a lock protects refuses a smaller number than it has seen, and with it a
// holder that was stopped and lost its lock meanwhile. (The idea is M. Kleppmann's, "How to do
// distributed locking".)
//
// Tokens grow across restarts for two reasons, of which either is enough:
// - The first token of a run is at least FencingOptions::start, the clock.
// - With a directory, blocks of tokens are reserved in its file `fencing` before they are used, so
//   that a run begins behind all reserved blocks even if the clock was set back. The file is
//   written beside, synced and renamed. Several processes may share the directory: each reserves
//   blocks of its own. They exclude each other by flock on `fencing.lock`, which also remembers
//   that there was a file.
//
// A reservation writes and syncs a small file on the caller's thread, which takes some milliseconds
// on a slow disk. Blocks double up to FencingOptions::largest_block, so that it is rare under load.
class FencingTokens {
public:
    // The largest token: JavaScript, and JSON with it, represents no larger integer exactly.
    static constexpr std::uint64_t largest = (std::uint64_t{1} << 53) - 1;

    // Makes the directory if need be, and reserves the first block. Throws FencingError.
    explicit FencingTokens(FencingOptions options = {});

    // Makes sure that next() has a number. Throws FencingError; it may be called again.
    void ensure() {
        if (next_ >= end_) [[unlikely]] {
            reserve();
        }
    }
    // Returns the next number. Requires ensure().
    std::uint64_t next() noexcept { return next_++; }

private:
    void reserve();
    void reserve_in_memory();
    void reserve_in_file();

    FencingOptions options_;
    std::uint64_t next_;
    std::uint64_t end_;  // the first number that is not reserved
    bool reserved_ = false;
};

}  // namespace weir
