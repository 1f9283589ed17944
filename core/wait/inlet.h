#pragma once

#include <coroutine>
#include <source_location>
#include <span>
#include <string>
#include <utility>

#include "core/event/event.h"
#include "core/run/wait.h"

namespace weir {

class NextOfInlet;

/// Where one routine takes the events that are meant for it, one after the other, without a
/// matcher. The events name the inlet, and the receiver of their type, `received()`, calls
/// receive().
///
/// The routine takes them with `co_await NextOf<Order>(inlet)`. While it does something else, an
/// event that blocks stays in its queue until the routine waits again, as it would for a matcher.
///
/// Must live as long as the routine waits, and as long as an event names it. Belongs to the
/// scheduler's thread.
class Inlet {
public:
    Inlet() = default;
    Inlet(const Inlet&) = delete;
    Inlet& operator=(const Inlet&) = delete;

    /// Returns whether the routine waits, and has been given nothing yet.
    bool awaited() const noexcept;
    /// Resumes the routine with the event, or, if it does not wait, keeps in mind that the event
    /// blocks its queue. For receivers.
    void receive(Event& event) noexcept;
    /// Lets the routine go on with the event when the running event is done. For a sender whose
    /// event may pass by its queue (Scheduler::may_pass_by). Requires awaited(). Throws
    /// std::bad_alloc and then changes nothing.
    void give(Ref<Event> event);
    /// Forgets the event that blocks its queue.
    void clear() noexcept { blocked_.reset(); }

private:
    friend class NextOfInlet;

    NextOfInlet* wait_ = nullptr;
    Ref<Event> blocked_;  // was received when the routine did not wait
};

/// The wait for an event of an inlet; see NextOf.
class NextOfInlet : public Wait {
public:
    ~NextOfInlet() {
        if (inlet_.wait_ == this) {
            inlet_.wait_ = nullptr;
        }
    }

    template <InRoutine Promise>
    void await_suspend(std::coroutine_handle<Promise> coroutine,
                       const std::source_location& at = std::source_location::current()) {
        begin(*coroutine.promise().routine);
        Wait::await_suspend(coroutine, at);
    }

    std::span<const Matcher> matchers() const noexcept override { return {}; }
    Then matched(const Ref<Event>&, Subscription&) override { return Then::wait_on; }
    void take_turn() noexcept override {
        if (event_ != nullptr) {
            resume();
        }
    }

protected:
    explicit NextOfInlet(Inlet& inlet) noexcept : inlet_(inlet) {}

    // To be called in await_resume().
    Ref<Event> take() {
        inlet_.wait_ = nullptr;
        check_interrupted();
        return std::move(event_);
    }

private:
    friend class Inlet;

    void begin(Routine& routine);

    Inlet& inlet_;
    Ref<Event> event_;
};

/// co_await NextOf<Order>(inlet): returns the next event of an inlet that gets Orders only.
template <EventClass E>
class NextOf final : public NextOfInlet {
public:
    explicit NextOf(Inlet& inlet) noexcept : NextOfInlet(inlet) {}

    Ref<E> await_resume() { return Ref<E>::adopt(static_cast<E*>(take().detach())); }
    std::string describe() const override { return event_type<E>().name(); }
};

}  // namespace weir
