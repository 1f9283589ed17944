#pragma once

#include <functional>
#include <source_location>
#include <span>
#include <utility>

#include "core/event/event.h"
#include "core/event/matcher.h"
#include "core/run/wait.h"

namespace weir {

/// Sends an event. Waits while its queue has no capacity. For routines, on the scheduler's thread
/// only.
class Send final : public Wait {
public:
    explicit Send(Ref<Event> event) noexcept : event_(std::move(event)) {}

    template <InRoutine Promise>
    bool await_suspend(std::coroutine_handle<Promise> coroutine) {
        if (try_now(*coroutine.promise().routine)) {
            return false;
        }
        Wait::await_suspend(coroutine);
        return true;
    }
    /// Returns true: the event was sent.
    bool await_resume() {
        check_interrupted();
        return true;
    }

    std::span<const Matcher> matchers() const noexcept override { return {&signal_, 1}; }
    Then matched(const Ref<Event>& event, Subscription& subscription) override;
    const Event* carries() const noexcept override { return event_.get(); }
    std::string describe() const override;

private:
    // Returns whether the event was sent.
    bool try_now(Routine& routine);

    const Ref<Event> event_;
    Matcher signal_;  // of a queue that may have capacity again
};

/// co_await send(event): sends the event into the queue tree. Returns true when its queue has
/// accepted it, not when a routine has received it. For example co_await
/// send(make_event<Order>("bob", 7)).
inline Send send(Ref<Event> event) noexcept {
    return Send(std::move(event));
}

/// Sends an event like Send, or gives up.
class SendUntil final : public Wait {
public:
    using Until = std::function<bool()>;

    SendUntil(Ref<Event> event, Until until) noexcept
        : event_(std::move(event)), until_(std::move(until)) {}

    template <InRoutine Promise>
    bool await_suspend(std::coroutine_handle<Promise> coroutine,
                       const std::source_location& at = std::source_location::current()) {
        if (try_now(*coroutine.promise().routine)) {
            return false;
        }
        Wait::await_suspend(coroutine, at);
        return true;
    }
    /// Returns whether the event was sent: false if `until` returned true.
    bool await_resume() {
        check_interrupted();
        return sent_;
    }

    std::span<const Matcher> matchers() const noexcept override { return {&signal_, 1}; }
    Then matched(const Ref<Event>& event, Subscription& subscription) override;
    std::string describe() const override;
    const Event* carries() const noexcept override { return event_.get(); }

private:
    // Returns whether there is nothing to wait for: the event was sent, or `until` returned true.
    bool try_now(Routine& routine);

    const Ref<Event> event_;
    Until until_;
    Matcher signal_;  // of a queue that may have capacity again
    bool sent_ = false;
};

/// The same, but returns false without sending when `until()` returns true. It is called before
/// each attempt; what it throws is thrown here.
inline SendUntil send(Ref<Event> event, SendUntil::Until until) noexcept {
    return SendUntil(std::move(event), std::move(until));
}

}  // namespace weir
