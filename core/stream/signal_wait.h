#pragma once

#include <array>
#include <coroutine>
#include <source_location>
#include <span>
#include <string>

#include "core/base/clock.h"
#include "core/run/deadline.h"
#include "core/run/wait.h"
#include "core/stream/socket_events.h"

namespace weir {

// The deadline of a wait that has none.
inline constexpr Time no_deadline = Time::max();

// Waits until a source signals, until either of two does, or until a deadline:
//
//     const bool signalled = co_await SignalWait(source, SocketEvent::Type::readable, deadline);
//     if (!signalled) {
//         throw std::runtime_error("too late");
//     }
//
// Arms the sources. The routine checks its condition again, as Source says. The event names its
// waiters, so that a wait makes no matcher, enters no tree and needs no memory. Awaited once; the
// sources must live until then.
class SignalWait final : public Wait {
public:
    using Type = SocketEvent::Type;

    explicit SignalWait(Source& source, Type type, Time deadline = no_deadline) noexcept
        : deadline_(deadline), signals_{{{&source, type}, {}}} {}
    SignalWait(Source& source, Type type, Source& other, Type other_type,
               Time deadline = no_deadline) noexcept
        : deadline_(deadline), signals_{{{&source, type}, {&other, other_type}}} {}

    template <InRoutine Promise>
    void await_suspend(std::coroutine_handle<Promise> coroutine,
                       const std::source_location& at = std::source_location::current()) {
        begin(*coroutine.promise().routine);
        Wait::await_suspend(coroutine, at);
    }
    // Returns whether a source has signalled; false: the deadline has come.
    bool await_resume();

    std::span<const Matcher> matchers() const noexcept override { return {}; }
    Then matched(const Ref<Event>&, Subscription&) override { return Then::resume; }
    void time_is_over() noexcept override;
    std::string describe() const override;

private:
    struct Signal {
        Source* source = nullptr;
        Type type = Type::readable;
    };
    struct Waiter final : SignalWaiter {
        void signalled() noexcept override { wait->resume(); }
        SignalWait* wait = nullptr;
    };

    void begin(Routine& routine);

    const Time deadline_;
    const std::array<Signal, 2> signals_;  // the second is empty if there is one source
    std::array<Waiter, 2> waiters_;
    Deadline timer_;
    bool timed_out_ = false;
};

}  // namespace weir
