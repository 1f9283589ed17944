#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <vector>

/// The least that routines need, for the baselines of benchmarks: a coroutine that starts at once
/// and destroys itself, frames from a free list, and a ring of ready coroutines.
namespace weir::benchmark {

class FramePool {
public:
    static void* take(std::size_t size) {
        if (head() != nullptr && size == block_size()) {
            void* block = head();
            head() = *static_cast<void**>(block);
            return block;
        }
        block_size() = size;
        return ::operator new(size);
    }
    static void give(void* block, std::size_t size) noexcept {
        if (size != block_size()) {
            ::operator delete(block);
            return;
        }
        *static_cast<void**>(block) = head();
        head() = block;
    }

private:
    static void*& head() {
        static void* list = nullptr;
        return list;
    }
    static std::size_t& block_size() {
        static std::size_t size = 0;
        return size;
    }
};

struct Bare {
    struct promise_type {
        static void* operator new(std::size_t size) { return FramePool::take(size); }
        static void operator delete(void* frame, std::size_t size) noexcept {
            FramePool::give(frame, size);
        }
        Bare get_return_object() noexcept { return {}; }
        std::suspend_never initial_suspend() const noexcept { return {}; }
        std::suspend_never final_suspend() const noexcept { return {}; }
        void return_void() const noexcept {}
        void unhandled_exception() const noexcept { std::terminate(); }
    };
};

/// A FIFO queue of ready coroutines, resumed by one loop.
class ReadyRing {
public:
    void push(std::coroutine_handle<> coroutine) { ready_.push_back(coroutine); }
    void run() {
        while (first_ != ready_.size()) {
            const auto coroutine = ready_[first_++];
            if (first_ == 4096) {
                ready_.erase(ready_.begin(), ready_.begin() + 4096);
                first_ = 0;
            }
            coroutine.resume();
        }
    }

private:
    std::vector<std::coroutine_handle<>> ready_;
    std::size_t first_ = 0;
};

/// co_await next_round(ring)
struct NextRound {
    ReadyRing& ring;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> coroutine) const { ring.push(coroutine); }
    void await_resume() const noexcept {}
};

/// A lock whose waiters form a list through their frames.
class BareLock {
public:
    explicit BareLock(ReadyRing& ring) noexcept : ring_(ring) {}

    struct Waiter {
        BareLock& lock;
        Waiter* next = nullptr;
        std::coroutine_handle<> coroutine = nullptr;

        bool await_ready() const noexcept {
            if (lock.held_) {
                return false;
            }
            lock.held_ = true;
            return true;
        }
        void await_suspend(std::coroutine_handle<> waiting) noexcept {
            coroutine = waiting;
            (lock.first_ == nullptr ? lock.first_ : lock.last_->next) = this;
            lock.last_ = this;
        }
        void await_resume() const noexcept {}
    };
    Waiter acquire() noexcept { return Waiter{*this}; }
    bool held() const noexcept { return held_; }

    void release() {
        if (first_ == nullptr) {
            held_ = false;
            return;
        }
        Waiter* next = first_;
        first_ = next->next;
        ring_.push(next->coroutine);
    }

private:
    ReadyRing& ring_;
    Waiter* first_ = nullptr;
    Waiter* last_ = nullptr;
    bool held_ = false;
};

}  // namespace weir::benchmark
