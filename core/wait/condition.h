#pragma once

#include <concepts>
#include <string>
#include <utility>

#include "core/base/clock.h"
#include "core/base/list.h"
#include "core/run/task.h"
#include "core/wait/signalled_wait.h"

namespace weir {

class Condition;

/// The wait of one routine for Condition::notify().
class [[nodiscard]] ConditionWait final : public SignalledWait, private Link<ConditionWait> {
public:
    ConditionWait(Condition& condition, Time deadline) noexcept;

    /// Returns false if the deadline came first.
    bool await_resume() {
        unlink();
        return finish();
    }
    std::string describe() const override { return "a condition"; }

private:
    friend class Condition;
    friend class List<ConditionWait>;
};

/// Where routines wait for what other code makes true. That code says so, and no routine has to
/// look every few milliseconds. A routine waits
///
///     Task<bool> ending = idle_.until([this] { return running_ == 0; });
///     co_await ending;
///
/// and other code changes what it waits for:
///
///     --running_;
///     idle_.notify();
///
/// Allocates nothing but the frame of until(). Belongs to the thread of the scheduler. Must outlive
/// the routines that wait.
class Condition {
public:
    Condition() = default;
    Condition(const Condition&) = delete;
    Condition& operator=(const Condition&) = delete;

    /// Resumes all routines that wait now, in the order in which they came, each in a turn of its
    /// own: after the code that calls this.
    void notify() noexcept {
        List<ConditionWait> woken;
        woken.take_all(waiting_);
        while (!woken.empty()) {  // a routine that is resumed may end others
            woken.pop_front().end();
        }
    }
    bool is_awaited() const noexcept { return !waiting_.empty(); }

    /// co_await condition.notified(): waits for the next notify(). Returns false if the deadline
    /// has come before.
    ConditionWait notified(Time deadline = Time::max()) noexcept { return {*this, deadline}; }

    /// co_await condition.until(holds): waits until the function returns true. It is called at
    /// once, and after each notify(). Returns false if it does not hold at the deadline.
    template <std::predicate F>
    Task<bool> until(F holds, Time deadline = Time::max()) {
        while (!holds()) {
            const bool in_time = co_await notified(deadline);
            if (!in_time) {
                co_return holds();
            }
        }
        co_return true;
    }

private:
    friend class ConditionWait;
    List<ConditionWait> waiting_;
};

inline ConditionWait::ConditionWait(Condition& condition, Time deadline) noexcept
    : SignalledWait(deadline) {
    condition.waiting_.push_back(*this);
}

}  // namespace weir
