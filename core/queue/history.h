#pragma once

#include <cstddef>
#include <memory>
#include <utility>

namespace weir {

/// A first-in, first-out buffer for the latest turns, by which FairTurns decides what is fair.
/// Grows by powers of two, and never shrinks.
template <class T>
class History {
public:
    std::size_t size() const noexcept { return size_; }

    /// Reserves memory so that the next so many push_back() cannot fail.
    void make_room(std::size_t values = 1) {
        if (capacity_ - size_ < values) [[unlikely]] {
            grow(size_ + values);
        }
    }

    void push_back(T value) {
        make_room();
        at(size_++) = value;
    }

    /// Removes the oldest value, and returns it. Requires that there is one.
    T pop_front() noexcept {
        const T value = at(0);
        first_ = (first_ + 1) & (capacity_ - 1);
        --size_;
        return value;
    }

    /// Replaces a value by another one wherever it stands.
    void replace(const T& value, const T& by) noexcept {
        for (std::size_t i = 0; i != size_; ++i) {
            if (at(i) == value) {
                at(i) = by;
            }
        }
    }

private:
    T& at(std::size_t i) noexcept { return buffer_[(first_ + i) & (capacity_ - 1)]; }

    void grow(std::size_t least) {
        std::size_t larger = capacity_ == 0 ? 4 : capacity_;
        while (larger < least) {
            larger *= 2;
        }
        auto buffer = std::make_unique<T[]>(larger);
        for (std::size_t i = 0; i != size_; ++i) {
            buffer[i] = at(i);
        }
        buffer_ = std::move(buffer);
        capacity_ = larger;
        first_ = 0;
    }

    std::unique_ptr<T[]> buffer_;
    std::size_t capacity_ = 0;
    std::size_t first_ = 0;
    std::size_t size_ = 0;
};

}  // namespace weir
