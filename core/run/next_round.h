#pragma once

#include <coroutine>
#include <source_location>
#include <span>
#include <string>

#include "core/base/list.h"
#include "core/run/wait.h"

namespace weir {

class Scheduler;

/// What `co_await do_events()` waits in: the scheduler's next round.
///
/// These waits stand in a line of the scheduler, in the order in which their routines yielded. The
/// receiver of the scheduler's `go_on` event (SystemControlEvent) resumes them. A routine that
/// yields thus makes, enters and removes no matcher.
class NextRound final : public Wait, public Link<NextRound, Scheduler> {
public:
    template <InRoutine Promise>
    void await_suspend(std::coroutine_handle<Promise> coroutine,
                       const std::source_location& at = std::source_location::current()) noexcept {
        line_up(*coroutine.promise().routine);
        Wait::await_suspend(coroutine, at);
    }
    void await_resume() { check_interrupted(); }

    std::span<const Matcher> matchers() const noexcept override { return {}; }
    Then matched(const Ref<Event>&, Subscription&) override { return Then::wait_on; }
    std::string describe() const override { return "the next round"; }

private:
    friend class Scheduler;

    void line_up(Routine& routine) noexcept;
};

}  // namespace weir
