#pragma once

#include <cstddef>

namespace weir::config {

/// What reading a configuration may cost at most. Whoever exceeds a limit gets a problem at the
/// place where it was exceeded; what stands after it in that text is not read.
///
/// The parser keeps what it has read for its own messages, several times over and escaped: at
/// worst, a text of white space costs 40 times its length in memory. Hence 4 MiB.
struct Limits {
    std::size_t depth = 64;                         ///< lists and objects within each other
    std::size_t text_bytes = 4 * 1024 * 1024;       ///< of one file
    std::size_t all_text_bytes = 32 * 1024 * 1024;  ///< of all files, and what `${...}` puts in
    std::size_t values = 200'000;                   ///< in all files
    std::size_t files = 100;
};

/// What is left of the limits while one configuration is read.
class Allowance {
public:
    explicit Allowance(const Limits& limits)
        : limits_(limits), bytes_(limits.all_text_bytes), values_(limits.values) {}

    const Limits& limits() const { return limits_; }

    /// Takes from what is left; false if there is not enough.
    bool take_bytes(std::size_t count) { return take(bytes_, count); }
    bool take_value() { return take(values_, 1); }

private:
    static bool take(std::size_t& left, std::size_t count) {
        if (count > left) return false;
        left -= count;
        return true;
    }

    Limits limits_;
    std::size_t bytes_;
    std::size_t values_;
};

}  // namespace weir::config
