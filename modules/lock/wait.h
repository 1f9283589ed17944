#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <source_location>
#include <string>

#include "core/base/clock.h"
#include "core/base/list.h"
#include "core/run/timer.h"
#include "core/run/wait.h"
#include "modules/lock/state.h"

namespace weir {

struct WaitingOwner;

// One wait for a lock: what `co_await lock.lock()` waits in. It is one of the waiters of the lock's
// key, which grants it a slot in its turn and resumes the routine. When it is destroyed before, it
// leaves the waiters, and gives back a slot that was granted but that the routine has not seen.
class LockWait : public Wait,
                 public Link<LockWait, LockKey>,
                 public Link<LockWait, LockTable>,
                 public Link<LockWait, WaitingOwner> {
public:
    LockWait(Ref<LockState> state, std::optional<Duration> timeout) noexcept
        : state_(std::move(state)), timeout_(timeout) {}
    // On behalf of an owner.
    LockWait(Ref<LockState> state, std::optional<Duration> timeout, LockOwner owner) noexcept
        : state_(std::move(state)),
          timeout_(timeout),
          owner_(std::move(owner)),
          owner_given_(true) {}
    // Waits for what is begun in another routine.
    LockWait(Ref<LockState> state, std::optional<Duration> timeout, Matcher begun);
    ~LockWait() {
        if (waiting() || unused_grant_) [[unlikely]] {
            give_up();
        }
    }

    template <InRoutine Promise>
    bool await_suspend(std::coroutine_handle<Promise> coroutine,
                       const std::source_location& at = std::source_location::current()) {
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
    std::string describe() const override;

    LockState& state() const noexcept { return *state_; }
    const LockOwner& owner() const noexcept { return owner_; }
    Time since() const noexcept { return since_; }
    // Unique in a table; larger for later waits.
    std::uint64_t serial() const noexcept { return serial_; }
    bool waiting() const noexcept { return Link<LockWait, LockKey>::linked(); }
    // Whether its owner is the routine that waits here. Such an owner waits for nothing else,
    // unless it has begun to take other locks.
    bool is_owners_only() const noexcept { return owner_.session == nullptr && !owner_given_; }
    bool suspended() const noexcept { return routine_ != nullptr; }

private:
    friend class LockKey;
    friend class LockTable;

    // Takes the lock, or joins the waiters; returns whether the routine has to wait.
    bool begin(Routine& routine);
    void line_up(const Matcher& refused);
    void leave() noexcept;
    void give_up() noexcept;
    // The slot is granted, or never will be: resumes the routine.
    void granted() noexcept;
    void fail(std::exception_ptr error) noexcept;

    // What a few waits wait for besides the lock: the routine that has begun to take it, a timeout.
    struct Events : pool::Pooled {
        std::array<Matcher, 2> matchers;  // those that there are
        std::size_t count = 0;
        Timer timer;

        void add(Matcher matcher) noexcept { matchers[count++] = std::move(matcher); }
    };
    Events& events();

    const Ref<LockState> state_;
    const std::optional<Duration> timeout_;
    LockOwner owner_;
    Time since_{};
    std::uint64_t serial_ = 0;
    std::unique_ptr<Events> events_;
    bool begun_ = false;
    bool owner_given_ = false;
    bool timed_out_ = false;
    bool unused_grant_ = false;  // the routine has not seen the granted slot yet
};

}  // namespace weir
