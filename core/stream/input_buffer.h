#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace weir {

// The bytes that a stream has received and its user has not consumed, in one contiguous piece of
// bounded memory. Shared free buffers (read_buffers.h) serve it: an empty one has no memory.
//
// take() lends bytes instead of copying them: they stay where they are until the next call of
// take_back(), whatever is received meanwhile.
class InputBuffer {
public:
    // `size`: bytes at first; `most`: bytes that it grows to, by make_room().
    InputBuffer(std::size_t size, std::size_t most) noexcept : size_(size), most_(most) {}
    ~InputBuffer() { drop(); }
    InputBuffer(const InputBuffer&) = delete;
    InputBuffer& operator=(const InputBuffer&) = delete;

    // Returns the unconsumed bytes.
    std::string_view bytes() const noexcept { return {memory_.get() + begin_, end_ - begin_}; }
    std::size_t size() const noexcept { return end_ - begin_; }
    bool empty() const noexcept { return begin_ == end_; }
    std::size_t capacity() const noexcept { return capacity_; }
    std::size_t most() const noexcept { return most_; }

    // Returns where to put further bytes; empty if there is no room, or no memory.
    std::span<char> room() noexcept;
    // Adds the bytes that were put at the begin of room().
    void add(std::size_t count) noexcept { end_ += count; }
    // Gives memory back that room() has taken and that holds no bytes.
    void trim() noexcept;

    // Drops the first bytes, of which there must be so many.
    void consume(std::size_t count) noexcept;
    // Consumes the first bytes, and returns them. They stay valid until take_back().
    std::string_view take(std::size_t count) noexcept;
    void take_back() noexcept;
    // Whether room() has none for lack of capacity.
    bool full() const noexcept {
        return capacity_ != 0 && end_ == capacity_ && (begin_ == 0 || lent_);
    }
    // Doubles the memory if all of it holds bytes. Returns false if it has the largest size.
    // Requires that nothing is lent. Throws std::bad_alloc.
    bool make_room();

private:
    void drop() noexcept;

    const std::size_t size_;
    const std::size_t most_;
    std::unique_ptr<char[]> memory_;  // null: no bytes
    std::size_t capacity_ = 0;
    std::size_t begin_ = 0;  // of the unconsumed bytes
    std::size_t end_ = 0;
    bool lent_ = false;  // bytes before begin_ are in use
};

}  // namespace weir
