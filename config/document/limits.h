#pragma once

#include <cstddef>

namespace weir::config {

/// Limits on the cost of reading a configuration. Exceeding a limit is a problem at that position;
/// the rest of that text is not read.
///
/// The parser keeps copies of what it has read for its own messages, also escaped. In the worst
/// case, white space costs 40 times its length in memory; hence 4 MiB.
struct Limits {
    std::size_t depth = 64;                         ///< nesting of lists and objects
    std::size_t text_bytes = 4 * 1024 * 1024;       ///< of one file
    std::size_t all_text_bytes = 32 * 1024 * 1024;  ///< of all files and all `${...}` replacements
    std::size_t values = 200'000;                   ///< in all files
    std::size_t files = 100;
};

/// The rest of the limits while one configuration is read. Not thread-safe.
class Allowance {
public:
    explicit Allowance(const Limits& limits)
        : limits_(limits), bytes_(limits.all_text_bytes), values_(limits.values) {}

    const Limits& limits() const { return limits_; }

    /// Takes from the rest. Returns false if it is not enough.
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
