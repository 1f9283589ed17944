#include "core/stream/input_buffer.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "core/stream/read_buffers.h"

namespace weir {

std::span<char> InputBuffer::room() noexcept {
    if (memory_ == nullptr) {
        memory_ = read_buffers::take(size_);
        capacity_ = memory_ == nullptr ? 0 : size_;
    } else if (end_ == capacity_ && begin_ != 0 && !lent_) {
        // Moves the rest only when room is needed: consuming many short messages moves nothing.
        std::memmove(memory_.get(), memory_.get() + begin_, size());
        end_ -= std::exchange(begin_, 0);
    }
    return {memory_.get() + end_, capacity_ - end_};
}

void InputBuffer::trim() noexcept {
    if (empty() && !lent_) {
        drop();
    }
}

void InputBuffer::drop() noexcept {
    if (memory_ != nullptr && capacity_ == size_) {
        read_buffers::give(std::move(memory_), capacity_);
    }
    memory_.reset();  // a larger one, for a long message, is not kept
    capacity_ = begin_ = end_ = 0;
}

void InputBuffer::consume(std::size_t count) noexcept {
    assert(count <= size());
    begin_ += count;
    trim();
}

std::string_view InputBuffer::take(std::size_t count) noexcept {
    assert(count <= size());
    const std::string_view taken = bytes().substr(0, count);
    begin_ += count;
    lent_ = true;
    return taken;
}

void InputBuffer::take_back() noexcept {
    if (std::exchange(lent_, false)) {
        trim();
    }
}

bool InputBuffer::make_room() {
    assert(!lent_);
    if (!full()) {
        return true;
    }
    const std::size_t capacity = std::min(capacity_ * 2, most_);
    if (capacity <= capacity_) {
        return false;
    }
    std::unique_ptr<char[]> larger(new char[capacity]);
    std::memcpy(larger.get(), memory_.get() + begin_, size());
    memory_ = std::move(larger);
    end_ -= std::exchange(begin_, 0);
    capacity_ = capacity;
    return true;
}

}  // namespace weir
