#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace weir {

/// A first-in, first-out buffer for the latest turns, by which FairTurns decides what is fair.
/// Equal neighbours share one entry with a count: to serve one object again and again, the most
/// common case, changes one number. Grows by powers of two, and never shrinks.
template <class T>
class History {
public:
    std::size_t size() const noexcept { return size_; }

    /// Returns whether there are so many values, all equal to this one. To take out the oldest and
    /// add the value would then change nothing.
    bool is_full_of(T value, std::size_t size) const noexcept {
        return size_ == size && runs_ == 1 && buffer_[first_].value == value;
    }

    /// Reserves memory so that the next push_back() cannot fail.
    void make_room() {
        if (runs_ == capacity_) [[unlikely]] {
            grow();
        }
    }

    void push_back(T value) {
        if (runs_ == 0 || run(runs_ - 1).value != value) {
            make_room();
            run(runs_++) = {value, 0};
        }
        ++run(runs_ - 1).count;
        ++size_;
    }

    /// Removes the oldest value, and returns it. Requires that there is one.
    T pop_front() noexcept {
        Run& oldest = run(0);
        const T value = oldest.value;
        if (--oldest.count == 0) {
            first_ = (first_ + 1) & (capacity_ - 1);
            --runs_;
        }
        --size_;
        return value;
    }

    /// Replaces a value by another one wherever it stands.
    void replace(const T& value, const T& by) noexcept {
        for (std::size_t i = 0; i != runs_; ++i) {
            if (run(i).value == value) {
                run(i).value = by;
            }
        }
    }

private:
    struct Run {
        T value;
        std::size_t count;
    };

    Run& run(std::size_t i) noexcept { return buffer_[(first_ + i) & (capacity_ - 1)]; }

    void grow() {
        const std::size_t larger = capacity_ == 0 ? 4 : capacity_ * 2;
        auto buffer = std::make_unique<Run[]>(larger);
        for (std::size_t i = 0; i != runs_; ++i) {
            buffer[i] = run(i);
        }
        buffer_ = std::move(buffer);
        capacity_ = larger;
        first_ = 0;
    }

    std::unique_ptr<Run[]> buffer_;
    std::size_t capacity_ = 0;
    std::size_t first_ = 0;
    std::size_t runs_ = 0;
    std::size_t size_ = 0;
};

}  // namespace weir
