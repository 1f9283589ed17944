#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <source_location>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/list.h"
#include "core/base/ref.h"
#include "core/run/subscriber.h"
#include "core/run/task.h"
#include "core/run/wait.h"

namespace weir {

class Container;
class WatchScope;

// Thrown in a routine, where it waits, when the scheduler quits. The routine may catch it and clean
// up, waiting as usual; it should then end.
class QuitException : public std::exception {
public:
    const char* what() const noexcept override { return "the scheduler quits"; }
};

// A coroutine of a routine that waits.
struct RoutineFrame {
    const void* code = nullptr;     // where it goes on: an address in the library that it is of
    const void* memory = nullptr;   // of it, from the pool
    std::source_location waits_at;  // the line of its co_await; empty if it has not begun
};

// A running coroutine, with those that it awaits. Made by Container::start; the object stays while
// it is referred to, the coroutine until it ends.
class Routine final : public Subscriber,
                      public RefCounted<Routine>,
                      public Link<Routine, Container>,
                      public pool::Pooled {
public:
    const std::string& name() const noexcept { return name_ != nullptr ? *name_ : no_name; }
    // Where it was started.
    const std::source_location& started_at() const noexcept { return started_at_; }
    // The container that owns it; null once it has ended or the container is gone.
    Container* container() const noexcept { return container_; }

    bool ended() const noexcept { return coroutine_ == nullptr; }
    bool running() const noexcept { return running_; }
    // Whether it was started in the background and has not begun yet.
    bool about_to_start() const noexcept { return pending_; }
    // What it waits on; null if it runs, is about to run or has ended.
    const Wait* wait() const noexcept { return wait_; }
    Time waiting_since() const noexcept { return waiting_since_; }
    // Its coroutines, the innermost first. Of one that runs only the outermost is known, without
    // its line; none if it has ended.
    std::vector<RoutineFrame> frames() const;

    // Ends the routine by unwinding it where it waits: destructors run. If it is running, that
    // happens at its next wait.
    void close() noexcept;

    // For logs: 'name' started at file:line.
    std::string describe() const;

    // --- for containers and awaitables

    Routine(Scheduler& scheduler, Container& container, std::string name,
            const std::source_location& started_at);
    // Takes over the coroutine, and runs it now up to its first wait or when the running event is
    // done.
    void start(std::coroutine_handle<> coroutine, bool foreground);
    // Its turn among those that run when the running event is done.
    void take_turn() noexcept;
    void orphan() noexcept { container_ = nullptr; }
    void resume_next(std::coroutine_handle<> coroutine) noexcept { next_ = coroutine; }
    // The wait, if the routine still waits there, is over without an event.
    void wait_is_over(Wait& wait) noexcept;

private:
    friend class Wait;
    friend class WatchScope;

    static const std::string no_name;

    void matched(const Ref<Event>& event, Subscription& subscription) noexcept override;
    void prefetch() const noexcept override;
    void quit() noexcept override;
    void close_at_end() noexcept override { close(); }

    // What the wait, or the watch scope of the matcher at a position, says to the event.
    Wait::Then ask_wait(const Ref<Event>& event, Subscription& subscription) noexcept;
    Wait::Then ask_watches(const Ref<Event>& event, std::size_t position) noexcept;
    void interrupt(std::exception_ptr exception) noexcept;
    // The coroutine that waits, which waits no more.
    std::coroutine_handle<> end_wait() noexcept;
    void run(std::coroutine_handle<> coroutine) noexcept;
    // False if the coroutine is done or closed meanwhile: then the routine is finished.
    bool run_until_it_waits(std::coroutine_handle<> coroutine) noexcept;
    void resume(std::coroutine_handle<> coroutine) noexcept;
    void wait_again() noexcept;
    void update_subscriptions();
    void finish() noexcept;

    // First what every event that is delivered touches.
    Wait* wait_ = nullptr;
    std::coroutine_handle<> waiting_;    // the one that waits
    std::coroutine_handle<> next_;       // to be resumed next, while running
    std::coroutine_handle<> coroutine_;  // the outermost
    WatchScope* watches_ = nullptr;      // the innermost
    std::uint32_t wait_matchers_ = 0;    // positions from here on are of watch scopes
    bool running_ = false;
    bool closing_ = false;
    bool pending_ = false;     // about to be started
    bool foreground_ = false;  // being started by somebody who gets what it throws
    Time waiting_since_{};
    Container* container_;
    std::source_location started_at_;
    const std::unique_ptr<const std::string> name_;  // null: none
    std::exception_ptr failure_;
};

}  // namespace weir
