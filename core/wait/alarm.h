#pragma once

#include "core/base/clock.h"
#include "core/wait/condition.h"

namespace weir {

/// One timer for the earliest of many deadlines, more of which may come while a routine waits. The
/// routine waits for the earliest that it knows, and knows anew each time that it is resumed:
///
///     for (;;) {
///         co_await alarm_.wait(next_deadline());  // Time::max(): there is none
///         do_what_is_due();                       // perhaps nothing
///     }
///
/// and other code adds deadlines:
///
///     deadlines_.insert(deadline);
///     alarm_.no_later_than(deadline);
///
/// A deadline that is dropped needs no call. Allocates nothing. For one routine, on the thread of
/// the scheduler; must outlive its wait.
class Alarm {
public:
    /// Resumes the routine if it would wait beyond the deadline.
    void no_later_than(Time deadline) noexcept {
        if (deadline < waits_until_) {
            waits_until_ = deadline;
            earlier_.notify();
        }
    }

    /// co_await alarm.wait(deadline): waits until the deadline, or until no_later_than() was called
    /// with an earlier one, which the caller finds.
    ConditionWait wait(Time deadline) noexcept {
        waits_until_ = deadline;
        return earlier_.notified(deadline);
    }

private:
    Condition earlier_;
    Time waits_until_ = Time::min();  // of the wait that was the last one
};

}  // namespace weir
