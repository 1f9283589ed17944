#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace weir {

/// A set of numbers below a capacity, which finds the smallest of them at once: one bit for each,
/// and above 64 numbers a bit for each word of bits that is not 0, level by level. Belongs to one
/// thread. Only reserve() needs memory.
class ReadySet {
public:
    static constexpr std::size_t none = static_cast<std::size_t>(-1);

    /// Makes room for the numbers below `capacity`. A set that grows becomes empty.
    void reserve(std::size_t capacity) {
        if (capacity <= capacity_) {
            return;
        }
        std::vector<std::vector<std::uint64_t>> below;
        std::size_t words = (capacity + 63) / 64;
        const std::size_t room = words * 64;
        for (; words > 1; words = (words + 63) / 64) {
            below.emplace_back(words);
        }
        below_.assign(below.rbegin(), below.rend());
        top_ = 0;
        capacity_ = room;
    }

    bool empty() const noexcept { return top_ == 0; }
    void insert(std::size_t number) noexcept {
        if (capacity_ > 64) [[unlikely]] {
            number = insert_below(number);
        }
        top_ |= bit(number);
    }
    void erase(std::size_t number) noexcept {
        if (capacity_ > 64) [[unlikely]] {
            number = erase_below(number);
            if (number == none) {
                return;
            }
        }
        top_ &= ~bit(number);
    }
    void clear() noexcept {
        top_ = 0;
        for (auto& words : below_) {
            words.assign(words.size(), 0);
        }
    }

    /// Returns the smallest number. Requires that there is one.
    std::size_t first() const noexcept {
        const std::size_t number = first_of(top_);
        return capacity_ <= 64 ? number : first_below(number);
    }
    /// Returns the smallest number that is not below `from`; `none` if there is none.
    std::size_t first(std::size_t from) const noexcept {
        // Up to the first level that has one in the same word, then down as first().
        std::size_t level = below_.size();
        std::uint64_t found = 0;
        while ((found = from / 64 < words(level) ? rest(level, from) : 0) == 0) {
            if (level-- == 0) {
                return none;
            }
            from = from / 64 + 1;
        }
        from = from / 64 * 64 + first_of(found);
        for (; level != below_.size(); ++level) {
            from = from * 64 + first_of(below_[level][from]);
        }
        return from;
    }

private:
    // Most sets have the top word only. What is below it stays out of the code that uses a set:
    // these turn the number of a bit of the last words into that of a bit of the top, or back.
    [[gnu::noinline]] std::size_t insert_below(std::size_t number) noexcept {
        for (auto words = below_.rbegin(); words != below_.rend(); ++words, number /= 64) {
            (*words)[number / 64] |= bit(number);
        }
        return number;
    }
    // Returns `none` if the bit of the top stays.
    [[gnu::noinline]] std::size_t erase_below(std::size_t number) noexcept {
        for (auto words = below_.rbegin(); words != below_.rend(); ++words, number /= 64) {
            std::uint64_t& word = (*words)[number / 64];
            word &= ~bit(number);
            if (word != 0) {
                return none;
            }
        }
        return number;
    }
    [[gnu::noinline]] std::size_t first_below(std::size_t number) const noexcept {
        for (const auto& words : below_) {
            number = number * 64 + first_of(words[number]);
        }
        return number;
    }

    static constexpr std::uint64_t bit(std::size_t number) noexcept {
        return std::uint64_t{1} << number % 64;
    }
    static std::size_t first_of(std::uint64_t word) noexcept {
        return static_cast<std::size_t>(std::countr_zero(word));
    }
    // Level 0 is the top.
    std::size_t words(std::size_t level) const noexcept {
        return level == 0 ? 1 : below_[level - 1].size();
    }
    std::uint64_t rest(std::size_t level, std::size_t from) const noexcept {
        const std::uint64_t word = level == 0 ? top_ : below_[level - 1][from / 64];
        return word & (~std::uint64_t{0} << from % 64);
    }

    std::uint64_t top_ = 0;
    std::vector<std::vector<std::uint64_t>> below_;  // the last has a bit for each number
    std::size_t capacity_ = 64;
};

}  // namespace weir
