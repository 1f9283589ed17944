#pragma once

#include <array>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <span>
#include <utility>

#include "core/event/event.h"
#include "core/event/matcher.h"
#include "core/run/task.h"

namespace weir {

class Routine;
class Subscription;

/// The base of everything that a routine awaits and that takes events; derive from it to make a new
/// way to wait. Lives in the frame of the coroutine that waits.
///
/// A wait names its matchers. For each event that matches one of them, matched() decides whether
/// the coroutine is resumed.
class Wait {
public:
    enum class Then {
        resume,     ///< the coroutine is resumed
        wait_on,    ///< it waits on, for the same
        wait_anew,  ///< it waits on, for what matchers() says now
    };

    Wait(const Wait&) = delete;
    Wait& operator=(const Wait&) = delete;

    bool await_ready() const noexcept { return false; }
    template <InRoutine Promise>
    void await_suspend(std::coroutine_handle<Promise> coroutine,
                       const std::source_location& at = std::source_location::current()) noexcept {
        coroutine.promise().waits_at = at;
        suspend(*coroutine.promise().routine, coroutine);
    }

    /// Returns the matchers waited for, valid until the next call of matched().
    virtual std::span<const Matcher> matchers() const noexcept = 0;
    /// Takes an event for the matcher at the subscription's position. What it throws is thrown
    /// where the coroutine waits.
    virtual Then matched(const Ref<Event>& event, Subscription& subscription) = 0;
    /// Called in the routine's turn that the wait has asked for with Scheduler::make_ready.
    virtual void take_turn() noexcept {}
    /// Called when the Deadline that was set for the wait is reached: it usually calls resume().
    virtual void time_is_over() noexcept {}
    /// Returns what is waited for, for listings.
    virtual std::string describe() const;
    /// Returns the event that the wait keeps, as that of a sender; null if there is none.
    virtual const Event* carries() const noexcept { return nullptr; }

    /// Resumes the coroutine without an event, if it still waits here.
    void resume() noexcept;

protected:
    Wait() noexcept = default;
    /// A routine that still waits here then waits for nothing.
    ~Wait() {
        if (routine_ != nullptr) [[unlikely]] {
            leave_routine();
        }
    }

    /// To be the last step of an await_suspend(): from then on the wait may be resumed.
    void suspend(Routine& routine, std::coroutine_handle<> coroutine) noexcept;
    /// Returns the exception to be thrown where this is awaited; empty if there is none.
    const std::exception_ptr& interruption() const noexcept { return interruption_; }
    void set_interruption(std::exception_ptr exception) noexcept {
        interruption_ = std::move(exception);
    }
    /// Throws what interrupted the wait, if anything did. Each await_resume() has to call it first.
    void check_interrupted() {
        if (interruption_) [[unlikely]] {
            std::rethrow_exception(std::exchange(interruption_, nullptr));
        }
    }

    Routine* routine_ = nullptr;  // while it waits here

private:
    friend class Routine;
    void leave_routine() noexcept;

    std::exception_ptr interruption_;
};

/// Waits for one matcher.
template <class E>
class WaitFor final : public Wait {
public:
    explicit WaitFor(Matcher matcher) noexcept : matcher_(std::move(matcher)) {}

    Ref<E> await_resume() {
        check_interrupted();
        return Ref<E>::adopt(static_cast<E*>(event_.detach()));
    }

    std::span<const Matcher> matchers() const noexcept override { return {&matcher_, 1}; }
    Then matched(const Ref<Event>& event, Subscription&) override {
        event_ = event;
        return Then::resume;
    }

private:
    Matcher matcher_;
    Ref<Event> event_;
};

/// co_await matcher: returns the next event that matches.
template <class E>
WaitFor<E> operator co_await(const MatcherOf<E>& matcher) noexcept {
    return WaitFor<E>(matcher);
}
template <EventClass E>
WaitFor<E> operator co_await(MatcherBuilder<E>&& builder) {
    return WaitFor<E>(std::move(builder).make());
}
template <EventClass E>
WaitFor<E> operator co_await(const MatcherBuilder<E>& builder) {
    return WaitFor<E>(builder.make());
}
inline WaitFor<Event> operator co_await(const Matcher& matcher) noexcept {
    return WaitFor<Event>(matcher);
}

/// An event, and the position of the matcher that it matched.
struct Matched {
    Ref<Event> event;
    std::size_t which = 0;
};

/// Waits for any of some matchers.
template <std::size_t N>
class [[nodiscard]] WaitForAny final : public Wait {
public:
    explicit WaitForAny(std::array<Matcher, N> matchers) noexcept
        : matchers_(std::move(matchers)) {}

    Matched await_resume() {
        check_interrupted();
        return std::move(matched_);
    }

    std::span<const Matcher> matchers() const noexcept override { return matchers_; }
    Then matched(const Ref<Event>& event, Subscription& subscription) override;

private:
    std::array<Matcher, N> matchers_;
    Matched matched_;
};

/// co_await any_of(a, b): returns the next event that matches one of them, and which.
template <class... M>
WaitForAny<sizeof...(M)> any_of(const M&... matchers) noexcept {
    return WaitForAny<sizeof...(M)>(std::array<Matcher, sizeof...(M)>{Matcher(matchers)...});
}

template <class E>
Matcher as_matcher(const MatcherOf<E>& matcher) {
    return matcher;
}

}  // namespace weir

#include "core/run/subscriber.h"

namespace weir {

template <std::size_t N>
Wait::Then WaitForAny<N>::matched(const Ref<Event>& event, Subscription& subscription) {
    matched_ = {event, subscription.position};
    return Then::resume;
}

}  // namespace weir
