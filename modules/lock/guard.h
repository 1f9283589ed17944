#pragma once

#include <cstdint>
#include <utility>

#include "core/base/clock.h"
#include "modules/lock/events.h"
#include "modules/lock/wait.h"

namespace weir {

// Gives a lock back at the end of the scope: `LockGuard guard = co_await lock.acquire()`. It is
// false if the timeout expired before the lock was held. May outlive the Lock; does nothing if the
// lock has been given back meanwhile, or is lost (see LockLost).
class [[nodiscard]] LockGuard {
public:
    LockGuard() noexcept = default;
    // Of what the Lock holds now, if it does.
    explicit LockGuard(const LockState& state) noexcept
        : event_(state.held() ? state.event : nullptr) {}
    LockGuard(LockGuard&&) noexcept = default;
    LockGuard& operator=(LockGuard&& other) noexcept {
        unlock();
        event_ = std::move(other.event_);
        return *this;
    }
    ~LockGuard() { unlock(); }

    // Returns whether the lock is still held, and certainly is no other owner's. Compares the
    // clock, where the lock may be lost at a time: so the answer is right also in a process that
    // was stopped meanwhile.
    explicit operator bool() const noexcept { return event_ != nullptr && grant().valid(); }
    // Returns how long that stays so, whatever happens from now on; Duration::max() if it is held
    // until it is given back, zero if it is not held. May grow.
    Duration valid_for() const noexcept {
        return event_ == nullptr ? Duration::zero() : grant().valid_for();
    }
    // Returns the fencing token of the grant; 0 if there was none.
    std::uint64_t token() const noexcept { return event_ == nullptr ? 0 : event_->token; }

    void unlock() noexcept {
        if (event_ != nullptr) {
            grant().give_back();
            event_.reset();
        }
    }

private:
    LockEvent& grant() const noexcept {
        LockEvent* event = event_.get();
        while (event->successor != nullptr) {
            event = event->successor.get();
        }
        return *event;
    }

    Ref<LockEvent> event_;
};

// Waits as LockWait does, and returns a guard.
class [[nodiscard]] LockAcquire final : public LockWait {
public:
    using LockWait::LockWait;

    [[nodiscard]] LockGuard await_resume() {
        return LockWait::await_resume() ? LockGuard(state()) : LockGuard();
    }
};

}  // namespace weir
