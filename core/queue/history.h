#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace weir {

// The short record of who was served lately, on which fairness is decided: a first-in, first-out
// buffer. Equal neighbours share one entry with a count, so that serving the same one again and
// again, the most common case, touches one number. Grows by powers of two, and never shrinks.
template <class T>
class History {
public:
    std::size_t size() const noexcept { return size_; }

    // Whether there are so many, and all are this value. Then taking out the oldest and adding the
    // value changes nothing.
    bool is_full_of(T value, std::size_t size) const noexcept {
        return size_ == size && runs_ == 1 && buffer_[first_].value == value;
    }

    // Makes the next push_back one that does not fail.
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

    // Requires that it is not empty.
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

    // Puts another value in the place of one, wherever it stands.
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
