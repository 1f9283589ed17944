#pragma once

#include <optional>
#include <source_location>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/run/timer.h"
#include "core/run/wait.h"
#include "core/run/watch.h"

namespace weir {

/// Waits for any of several matchers, or until a timeout expires. For routines, on the scheduler's
/// thread only.
class [[nodiscard]] WaitWithTimeout final : public Wait {
public:
    WaitWithTimeout(std::optional<Duration> timeout, std::vector<Matcher> matchers) noexcept
        : timeout_(timeout), matchers_(std::move(matchers)) {}

    template <InRoutine Promise>
    void await_suspend(std::coroutine_handle<Promise> coroutine,
                       const std::source_location& at = std::source_location::current()) {
        set_timer(*coroutine.promise().routine);
        Wait::await_suspend(coroutine, at);
    }
    /// Returns nothing when the timeout expired.
    std::optional<Matched> await_resume() {
        check_interrupted();
        timer_.cancel();
        return std::move(matched_);
    }

    std::span<const Matcher> matchers() const noexcept override { return matchers_; }
    Then matched(const Ref<Event>& event, Subscription& subscription) override;
    std::string describe() const override;

private:
    void set_timer(Routine& routine);

    std::optional<Duration> timeout_;
    Timer timer_;
    std::vector<Matcher> matchers_;  // the timer's matcher, if any, is the last
    std::optional<Matched> matched_;
};

/// co_await wait_with_timeout(5s, a, b): returns the next event that matches and which matcher it
/// was, or nothing when the timeout expires. Without a timeout it waits indefinitely.
template <class... M>
WaitWithTimeout wait_with_timeout(std::optional<Duration> timeout, const M&... matchers) {
    return WaitWithTimeout(timeout, std::vector<Matcher>{Matcher(matchers)...});
}

/// co_await sleep(5s)
inline WaitWithTimeout sleep(Duration duration) {
    return WaitWithTimeout(duration, {});
}

/// A task that is unwound when its timeout expires.
template <class T>
class [[nodiscard]] TimedTask final : public WatchScope {
public:
    /// What awaiting returns: the task's result, or nothing when the timeout expired. For a task
    /// without a result, whether it finished.
    using Result = std::conditional_t<std::is_void_v<T>, bool, std::optional<T>>;

    TimedTask(std::optional<Duration> timeout, Task<T> task)
        : WatchScope({}, [](const Ref<Event>&, std::size_t) { throw TimeIsOver(); }),
          timeout_(timeout),
          task_(std::move(task)) {}

    bool await_ready() const noexcept { return false; }
    template <InRoutine Promise>
    void await_suspend(std::coroutine_handle<Promise> awaiting,
                       const std::source_location& at = std::source_location::current()) {
        awaiting.promise().waits_at = at;
        Routine& routine = *awaiting.promise().routine;
        if (timeout_) {
            timer_ = set_timer(routine, *timeout_);
            add_matcher(timer_.matcher());
            enter(routine, awaiting);
        }
        task_.promise().start_in(routine, task_.handle(), awaiting);
    }
    Result await_resume() {
        leave();
        timer_.cancel();
        if (failure_) {
            return Result();
        }
        if constexpr (std::is_void_v<T>) {
            task_.result();
            return true;
        } else {
            return task_.result();
        }
    }

private:
    struct TimeIsOver {};

    static Timer set_timer(Routine& routine, Duration timeout);
    void abandon() noexcept override { task_.destroy(); }

    std::optional<Duration> timeout_;
    Timer timer_;
    Task<T> task_;
};

Timer set_timer_in(Routine& routine, Duration timeout);

template <class T>
Timer TimedTask<T>::set_timer(Routine& routine, Duration timeout) {
    return set_timer_in(routine, timeout);
}

/// co_await execute_with_timeout(5s, task): awaits the task, and unwinds it if the timeout expires
/// first. Without a timeout it waits indefinitely.
template <class T>
TimedTask<T> execute_with_timeout(std::optional<Duration> timeout, Task<T> task) {
    require_task(task);
    return TimedTask<T>(timeout, std::move(task));
}

}  // namespace weir
