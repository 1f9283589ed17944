#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/clock.h"

namespace weir {

/// Slows down clients that guess passwords. Each source of logins, such as an IP address, has a
/// bucket of a few attempts, which fills again slowly. An attempt takes one, or waits for its turn
/// at the next; a right password gives it back. So a person who mistypes notices nothing, and an
/// attacker gets one attempt in each `interval`, however many connections it opens.
///
/// Remembers a bounded number of sources; while all of these have failed lately, further sources
/// share one bucket.
class LoginLimiter {
public:
    static constexpr double burst = 5;  // attempts
    static constexpr Duration interval = std::chrono::seconds(5);
    static constexpr Duration longest_wait = std::chrono::seconds(20);
    static constexpr std::size_t most_sources = 4096;

    /// Takes an attempt. Returns how long it must wait before its password is checked, or nothing
    /// if that would be longer than `longest_wait`: then it is refused, and took nothing.
    std::optional<Duration> take(std::string_view source, Time now);
    /// Gives an attempt back, of a right password.
    void give_back(std::string_view source, Time now);

    std::size_t sources() const noexcept { return buckets_.size(); }

private:
    struct Bucket {
        double attempts = burst;  // fewer than none: so many wait for their turn
        Time at{};                // as of this time
    };

    static void refill(Bucket& bucket, Time now) noexcept;
    Bucket& bucket_of(std::string_view source, Time now);

    std::map<std::string, Bucket, std::less<>> buckets_;
    Bucket others_;
    Time next_sweep_{};
};

}  // namespace weir
