#pragma once

#include <optional>
#include <utility>

#include "modules/lock/wait.h"

namespace weir {

// Gives a lock back at the end of the scope: `LockGuard guard = co_await lock.acquire()`. It is
// false if the timeout expired before the lock was held. May outlive the Lock; does nothing if the
// lock has been given back meanwhile.
class [[nodiscard]] LockGuard {
public:
    LockGuard() noexcept = default;
    explicit LockGuard(Ref<LockState> state) noexcept
        : state_(std::move(state)), token_(state_ == nullptr ? 0 : state_->token) {}
    LockGuard(LockGuard&&) noexcept = default;
    LockGuard& operator=(LockGuard&& other) noexcept {
        unlock();
        state_ = std::move(other.state_);
        token_ = other.token_;
        return *this;
    }
    ~LockGuard() { unlock(); }

    // Whether the lock is held still.
    explicit operator bool() const noexcept {
        return state_ != nullptr && state_->locked && state_->token == token_;
    }
    // The fencing token of the grant; 0 if there was none.
    std::uint64_t token() const noexcept { return token_; }

    void unlock() noexcept {
        if (*this) {
            state_->unlock();
        }
        state_.reset();
    }

private:
    Ref<LockState> state_;
    std::uint64_t token_ = 0;
};

// Waits as LockWait does, and returns a guard.
class LockAcquire final : public LockWait {
public:
    using LockWait::LockWait;

    LockGuard await_resume() {
        return LockWait::await_resume() ? LockGuard(Ref<LockState>(&state())) : LockGuard();
    }
};

}  // namespace weir
