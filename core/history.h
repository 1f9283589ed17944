#pragma once

#include <cstddef>
#include <memory>
#include <utility>

namespace weir {

// A first-in, first-out buffer that grows, by powers of two, and is never shrunk. For the short
// record of who was served lately, on which fairness is decided.
template <class T>
class History {
public:
    std::size_t size() const noexcept { return size_; }

    void push_back(T value) {
        if (size_ == capacity_) {
            grow();
        }
        items_[(first_ + size_) & (capacity_ - 1)] = value;
        ++size_;
    }

    // Requires that it is not empty.
    T pop_front() noexcept {
        T value = items_[first_];
        first_ = (first_ + 1) & (capacity_ - 1);
        --size_;
        return value;
    }

    T& operator[](std::size_t i) noexcept { return items_[(first_ + i) & (capacity_ - 1)]; }

private:
    void grow() {
        const std::size_t larger = capacity_ == 0 ? 16 : capacity_ * 2;
        auto items = std::make_unique<T[]>(larger);
        for (std::size_t i = 0; i != size_; ++i) {
            items[i] = (*this)[i];
        }
        items_ = std::move(items);
        capacity_ = larger;
        first_ = 0;
    }

    std::unique_ptr<T[]> items_;
    std::size_t capacity_ = 0;
    std::size_t first_ = 0;
    std::size_t size_ = 0;
};

}  // namespace weir
