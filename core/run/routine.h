#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <source_location>
#include <span>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/list.h"
#include "core/base/ref.h"
#include "core/run/routine_name.h"
#include "core/run/subscriber.h"
#include "core/run/task.h"
#include "core/run/trace_context.h"
#include "core/run/wait.h"

namespace weir {

class Container;
class WatchScope;

/// Thrown in a routine, where it waits, when the scheduler quits. The routine may catch it and
/// clean up, with awaits as usual; it should then end. A loop that tries again after any
/// std::exception has to let this one pass: a server closes a routine that does not, after
/// `server.quit_timeout`.
class QuitException : public std::exception {
public:
    const char* what() const noexcept override { return "the scheduler quits"; }
};

/// A coroutine of a routine that waits, for listings and library users.
struct RoutineFrame {
    const void* code = nullptr;     ///< where it is resumed: an address in its library
    const void* memory = nullptr;   ///< its frame, from the pool
    std::source_location waits_at;  ///< the line of its co_await; empty if it has not begun
};

/// What an owner holds and waits for besides events, as locks. Counted by the code that grants it,
/// which sees from that, without a search, that an owner is part of no deadlock.
struct Claims {
    std::uint32_t held = 0;
    std::uint32_t entered = 0;  ///< searches for deadlocks that know the owner as one that waits
};

/// A running coroutine, with the coroutines that it awaits: the thread of control of this
/// framework. Made by Container::start. The coroutine lives until it ends, the object as long as it
/// is referred to.
class Routine final : public Subscriber,
                      public RefCounted<Routine>,
                      public Link<Routine, Container>,
                      public pool::Pooled {
public:
    const std::string& name() const noexcept { return rare_ != nullptr ? rare_->name : no_name; }
    /// Returns where it was started.
    const std::source_location& started_at() const noexcept { return started_at_; }
    /// Returns the container that owns it; null once it has ended or the container is destroyed.
    Container* container() const noexcept { return container_; }

    bool ended() const noexcept { return coroutine_ == nullptr; }
    bool running() const noexcept { return running_; }
    /// Returns whether it was started in the background and has not begun yet.
    bool about_to_start() const noexcept { return pending_; }
    /// Returns what it waits on; null if it runs, is about to run or has ended.
    const Wait* wait() const noexcept { return wait_; }
    Time waiting_since() const noexcept { return waiting_since_; }
    Claims& claims() noexcept { return claims_; }
    /// Returns the span of a distributed trace for which it works now; null: none. Calls and
    /// requests that it makes are parts of that. Routines that it starts have none.
    TraceContext* trace_context() const noexcept {
        return rare_ != nullptr ? rare_->trace_context.get() : nullptr;
    }
    /// Without memory for it, the routine works for none.
    void set_trace_context(Ref<TraceContext> context) noexcept;
    /// Returns its coroutines, the innermost first. A running routine returns only the outermost
    /// one, without its line; an ended routine returns none.
    std::vector<RoutineFrame> frames() const;
    const void* frame() const noexcept override { return next_ ? next_.address() : nullptr; }

    /// Ends the routine by unwinding it where it waits: destructors run. A routine that is running
    /// is unwound at its next wait.
    void close() noexcept;

    /// Returns, for logs: 'name' started at file:line.
    std::string describe() const;

    // --- for containers and awaitables

    /// `rare`: null if it has nothing of that.
    Routine(Scheduler& scheduler, Container& container, Ref<RoutineRare> rare,
            const std::source_location& started_at) noexcept;
    /// Takes over the coroutine. Runs it up to its first wait, or lets it begin when the running
    /// event is done.
    void start(std::coroutine_handle<> coroutine, bool foreground);
    /// Called when the running event is done, after Scheduler::make_ready.
    void take_turn() noexcept;
    /// Called when its container is destroyed.
    void orphan() noexcept { container_ = nullptr; }
    /// Lets the coroutine be resumed next. Requires that the routine is running.
    void resume_next(std::coroutine_handle<> coroutine) noexcept { next_ = coroutine; }
    /// Ends the wait without an event, if the routine still waits there.
    void wait_is_over(Wait& wait) noexcept;

private:
    friend class Wait;
    friend class WatchScope;

    static const std::string no_name;

    void matched(const Ref<Event>& event, Subscription& subscription) noexcept override;
    void quit() noexcept override;
    void close_at_end() noexcept override { close(); }

    // What the wait, or the watch scope of the matcher at a position, decides for the event.
    Wait::Then ask_wait(const Ref<Event>& event, Subscription& subscription) noexcept;
    Wait::Then ask_watches(const Ref<Event>& event, std::size_t position) noexcept;
    void interrupt(std::exception_ptr exception) noexcept;
    // Returns the coroutine that waits, which then waits no more.
    std::coroutine_handle<> end_wait() noexcept;
    void run(std::coroutine_handle<> coroutine) noexcept;
    // Returns false if the coroutine has ended or was closed meanwhile: then the routine is
    // finished.
    bool run_until_it_waits(std::coroutine_handle<> coroutine) noexcept;
    void resume(std::coroutine_handle<> coroutine) noexcept;
    bool is_subscribed(std::span<const Matcher> matchers) const noexcept;
    void begin_wait(std::size_t matchers) noexcept;
    void wait_again() noexcept;
    void update_subscriptions();
    void replace_subscriptions(std::span<const Matcher> matchers);
    void finish() noexcept;

    // First the members that the delivery of an event touches.
    Wait* wait_ = nullptr;
    std::coroutine_handle<> next_;       // to be resumed next: the one that waits, if one does
    std::coroutine_handle<> coroutine_;  // the outermost
    WatchScope* watches_ = nullptr;      // the innermost
    std::uint32_t wait_matchers_ = 0;    // positions from here on are of watch scopes
    bool running_ = false;
    bool closing_ = false;
    bool pending_ = false;  // about to be started
    Time waiting_since_{};
    Claims claims_;
    Container* container_;
    std::source_location started_at_;
    Ref<RoutineRare> rare_;  // null: nothing of it
    // Of the caller that starts the routine in the foreground, which gets what the coroutine throws
    // before its first wait; null: the log gets it.
    std::exception_ptr* failure_ = nullptr;
};

}  // namespace weir
