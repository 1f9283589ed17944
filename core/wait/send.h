#pragma once

#include <coroutine>
#include <functional>
#include <optional>
#include <source_location>
#include <span>
#include <string>
#include <utility>

#include "core/event/event.h"
#include "core/event/matcher.h"
#include "core/run/wait.h"

namespace weir {

/// The wait of a sender whose event was refused, for a free slot. Sends the event when there is
/// one.
class RefusedSend final : public Wait {
public:
    RefusedSend(const Ref<Event>& event, Matcher signal) noexcept
        : event_(event), signal_(std::move(signal)) {}

    void await_resume() { check_interrupted(); }

    std::span<const Matcher> matchers() const noexcept override { return {&signal_, 1}; }
    Then matched(const Ref<Event>& event, Subscription& subscription) override;
    const Event* carries() const noexcept override { return event_.get(); }
    std::string describe() const override;

private:
    const Ref<Event>& event_;
    Matcher signal_;  // of a queue that may have capacity again
};

/// Sends an event. Waits while its queue has no capacity. For routines, on the scheduler's thread
/// only.
class [[nodiscard]] Send final {
public:
    explicit Send(Ref<Event> event) noexcept : event_(std::move(event)) {}
    Send(const Send&) = delete;
    Send& operator=(const Send&) = delete;

    bool await_ready() const noexcept { return false; }
    template <InRoutine Promise>
    bool await_suspend(std::coroutine_handle<Promise> coroutine,
                       const std::source_location& at = std::source_location::current()) {
        Matcher signal = try_now(*coroutine.promise().routine);
        if (!signal) [[likely]] {
            return false;
        }
        refused_.emplace(event_, std::move(signal)).await_suspend(coroutine, at);
        return true;
    }
    /// Returns true: the event was sent.
    bool await_resume() {
        if (refused_) [[unlikely]] {
            refused_->await_resume();
        }
        return true;
    }

private:
    // Returns an empty matcher if the event was sent, else that of the signal to wait for.
    Matcher try_now(Routine& routine) const;

    const Ref<Event> event_;
    std::optional<RefusedSend> refused_;
};

/// co_await send(event): sends the event into the queue tree. Returns true when its queue has
/// accepted it, not when a routine has received it. For example co_await
/// send(make_event<Order>("bob", 7)).
inline Send send(Ref<Event> event) noexcept {
    return Send(std::move(event));
}

/// Sends an event like Send, or gives up.
class [[nodiscard]] SendUntil final : public Wait {
public:
    using Until = std::function<bool()>;

    SendUntil(Ref<Event> event, Until until) noexcept
        : event_(std::move(event)), until_(std::move(until)) {}
    /// For an event that was refused already: waits for the signal first.
    SendUntil(Ref<Event> event, Until until, Matcher signal) noexcept
        : event_(std::move(event)), until_(std::move(until)), signal_(std::move(signal)) {}
    /// For an event whose receiver has it already, or that is not sent: there is nothing to wait
    /// for.
    explicit SendUntil(bool sent) noexcept : sent_(sent) {}

    bool await_ready() const noexcept { return event_ == nullptr; }

    template <InRoutine Promise>
    bool await_suspend(std::coroutine_handle<Promise> coroutine,
                       const std::source_location& at = std::source_location::current()) {
        if (!signal_ && try_now(*coroutine.promise().routine)) {
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
