#pragma once

#include <array>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <source_location>
#include <string>

#include "core/base/clock.h"
#include "core/run/timer.h"
#include "core/run/wait.h"
#include "modules/lock/request.h"

namespace weir {

// One wait for a lock: what `co_await lock.lock()` waits in. It is one of the waiters of the lock's
// key, which is given a slot in its turn; that resumes the routine. When it is destroyed before, it
// leaves the waiters, and gives back a slot that was granted but that the routine has not seen.
class [[nodiscard]] LockWait : public Wait, public LockRequest {
public:
    LockWait(LockState& state, std::optional<Duration> timeout) noexcept
        : LockRequest(state), timeout_(timeout) {}
    // On behalf of an owner.
    LockWait(LockState& state, std::optional<Duration> timeout, LockOwner owner) noexcept
        : LockRequest(state, std::move(owner)), timeout_(timeout) {}
    // Waits for what is begun in another routine.
    LockWait(LockState& state, std::optional<Duration> timeout, Matcher begun);
    ~LockWait() {
        if (lined_up() || unused_grant_) [[unlikely]] {
            give_up();
        }
    }

    template <InRoutine Promise>
    bool await_suspend(std::coroutine_handle<Promise> coroutine,
                       const std::source_location& at = std::source_location::current()) {
        waits_at_ = at;
        if (!begin(*coroutine.promise().routine)) {
            return false;
        }
        Wait::await_suspend(coroutine, at);
        return true;
    }
    // Returns whether the lock is held; false if the timeout expired before. Throws a LockError, or
    // a FencingError, if it cannot be held.
    bool await_resume();

    std::span<const Matcher> matchers() const noexcept override;
    Then matched(const Ref<Event>& event, Subscription& subscription) override;
    void take_turn() noexcept override;
    std::string describe() const override;

    bool only_tries() const noexcept override { return timeout_ && *timeout_ <= Duration::zero(); }
    void granted() noexcept override;
    void not_free() noexcept override;
    void fail(std::exception_ptr error) noexcept override;
    void lock_is_gone() noexcept override;

private:
    // Takes the lock, or lines up; returns whether the routine has to wait.
    bool begin(Routine& routine);
    void take_or_line_up(Routine& routine);
    // Whether it is one of the waiters of the key.
    bool lined_up() const noexcept { return !begun_ && Link<LockRequest, LockKey>::linked(); }
    void leave() noexcept;
    void give_up() noexcept;

    // What a few waits wait for besides the lock: the routine that has begun to take it, a timeout.
    struct Events : pool::Pooled {
        std::array<Matcher, 2> matchers;  // those that there are
        std::size_t count = 0;
        Timer timer;

        void add(Matcher matcher) noexcept { matchers[count++] = std::move(matcher); }
    };
    Events& events();

    const std::optional<Duration> timeout_;
    std::unique_ptr<Events> events_;
    bool begun_ = false;
    bool timed_out_ = false;
    bool unused_grant_ = false;  // the routine has not seen the granted slot yet
};

}  // namespace weir
