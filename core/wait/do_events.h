#pragma once

#include <coroutine>
#include <source_location>
#include <span>

#include "core/run/wait.h"

namespace weir {

/// Waits for the scheduler's next round. For routines, on the scheduler's thread only.
class DoEvents final : public Wait {
public:
    template <InRoutine Promise>
    void await_suspend(std::coroutine_handle<Promise> coroutine,
                       const std::source_location& at = std::source_location::current()) noexcept {
        ask(*coroutine.promise().routine);
        Wait::await_suspend(coroutine, at);
    }
    void await_resume() { check_interrupted(); }

    std::span<const Matcher> matchers() const noexcept override { return {go_on_, 1}; }
    Then matched(const Ref<Event>&, Subscription&) override { return Then::resume; }
    bool at_the_end() const noexcept override { return true; }
    std::string describe() const override { return "the next round"; }

private:
    void ask(Routine& routine) noexcept;

    const Matcher* go_on_ = nullptr;  // the scheduler's
};

/// co_await do_events(): lets every ready routine run, and due timers fire, before this routine
/// continues in the scheduler's next round. For long calculations. Not every round polls for I/O:
/// UvPoller does so in each 16th round, and in a round that begins 50 us after its last poll.
inline DoEvents do_events() noexcept {
    return {};
}

}  // namespace weir
