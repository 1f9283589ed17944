#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "core/base/clock.h"

namespace weir {

// Counts durations in buckets that grow with the duration, four for each doubling, so that a
// quantile is exact to within a quarter. It covers 1 ns to 292 years in 2 KB; recording a duration
// takes a handful of instructions. The idea is that of HdrHistogram.
class Histogram {
public:
    void record(Duration duration) noexcept {
        const Duration::rep value = std::max<Duration::rep>(duration.count(), 0);
        ++counts_[bucket_of(static_cast<std::uint64_t>(value))];
        ++count_;
        add_to_sum(Duration(value));
        longest_ = std::max(longest_, Duration(value));
    }

    // Records a duration of zero.
    void record_nothing() noexcept {
        ++counts_[0];
        ++count_;
    }

    std::uint64_t count() const noexcept { return count_; }
    Duration sum() const noexcept { return sum_; }
    Duration longest() const noexcept { return longest_; }
    Duration mean() const noexcept {
        return count_ == 0 ? Duration() : sum_ / static_cast<Duration::rep>(count_);
    }

    // Returns a duration that at least this part (0 to 1) of all did not exceed; zero if there is
    // none.
    Duration quantile(double part) const noexcept {
        if (count_ == 0) {
            return {};
        }
        const double wanted = std::clamp(part, 0.0, 1.0) * static_cast<double>(count_);
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i != buckets; ++i) {
            seen += counts_[i];
            if (seen != 0 && static_cast<double>(seen) >= wanted) {
                return std::min(upper_bound(i), longest_);
            }
        }
        return longest_;
    }

    // Returns how many durations were shorter than 2 to the power of `exponent` nanoseconds: exact,
    // since the buckets end there. The exponent is at least 2.
    std::uint64_t count_below(std::size_t exponent) const noexcept {
        const std::size_t end = std::min((exponent - 1) * 4, buckets);
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i != end; ++i) {
            sum += counts_[i];
        }
        return sum;
    }

    // Calls visit(upper bound, count) for each bucket that is not empty, the shortest first.
    template <class F>
    void for_each(F visit) const {
        for (std::size_t i = 0; i != buckets; ++i) {
            if (counts_[i] != 0) {
                visit(upper_bound(i), counts_[i]);
            }
        }
    }

    void add(const Histogram& other) noexcept {
        for (std::size_t i = 0; i != buckets; ++i) {
            counts_[i] += other.counts_[i];
        }
        count_ += other.count_;
        add_to_sum(other.sum_);
        longest_ = std::max(longest_, other.longest_);
    }

private:
    static constexpr std::size_t buckets = 64 * 4;

    void add_to_sum(Duration duration) noexcept {
        sum_ = duration > Duration::max() - sum_ ? Duration::max() : sum_ + duration;
    }

    // 0 to 3 ns are buckets of their own; from there on, the two bits behind the highest decide.
    static constexpr std::size_t bucket_of(std::uint64_t value) noexcept {
        if (value < 4) {
            return static_cast<std::size_t>(value);
        }
        const auto exponent = static_cast<std::size_t>(std::bit_width(value) - 1);
        return (exponent - 1) * 4 + static_cast<std::size_t>((value >> (exponent - 2)) & 3);
    }
    // The longest duration of a bucket.
    static constexpr Duration upper_bound(std::size_t bucket) noexcept {
        if (bucket < 4) {
            return Duration(static_cast<Duration::rep>(bucket));
        }
        const std::size_t exponent = bucket / 4 + 1;
        const std::uint64_t lower = (4 + static_cast<std::uint64_t>(bucket % 4)) << (exponent - 2);
        return Duration(
            static_cast<Duration::rep>(lower + ((std::uint64_t{1} << (exponent - 2)) - 1)));
    }

    std::array<std::uint64_t, buckets> counts_{};
    std::uint64_t count_ = 0;
    Duration sum_{};
    Duration longest_{};
};

}  // namespace weir
