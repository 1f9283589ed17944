#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "core/base/clock.h"

namespace weir {

// What a scheduler needs of the world outside: the time, waiting for something to happen, random
// numbers, and a way in for other threads. UvPoller implements it with libuv, Simulation in virtual
// time, so that the same program runs on either.
//
// A scheduler polls, processes all events that the poll brought, and polls again. Timers whose time
// has come fire after a poll. If one is late, because the process was stopped or busy, input that
// arrived before goes first: see LateTimers.
class Poller {
public:
    virtual ~Poller() = default;

    // The time now. Never goes back.
    virtual Time now() noexcept = 0;

    // Calls the callbacks of everything that has happened outside; they send its events. If nothing
    // has, waits until something happens, at most for `wait`; none: without end. Returns false if
    // `wait` is none and nothing can happen any more. Calls note_poll().
    //
    // A poll may return early and without having looked at everything, as when a signal interrupts
    // it. One that does not wait looks at everything that can be read or accepted.
    virtual bool poll(std::optional<Duration> wait) = 0;

    // When the last poll began and ended, or was left out: what a poll reads from the clock
    // suffices for the round before and the round after it.
    struct LastPoll {
        Time began{};
        Time ended{};
    };
    const LastPoll& last_poll() const noexcept { return last_poll_; }

    // Makes the running poll, or else the next one, not wait; and the next one is not left out.
    // Requires the scheduler's thread.
    virtual void wake() noexcept = 0;

    // A random number, of which all bits are good.
    virtual std::uint64_t random() noexcept = 0;

    // --- faults, for tests

    // Decides whether a fault happens at a point where code asks for one; see failpoint.h.
    class Failpoints {
    public:
        virtual bool happens(std::string_view point, double probability) noexcept = 0;

    protected:
        ~Failpoints() = default;
    };
    // Null unless a simulation allows faults.
    Failpoints* failpoints() const noexcept { return failpoints_; }

    // --- other threads

    // A way to reach the scheduler's thread from any other. Destroyed on the scheduler's.
    class Bell {
    public:
        virtual ~Bell() = default;
        // Makes a poll call the function that the bell was made with. Several rings may be
        // answered by one call. May be called on any thread, but not while the bell is destroyed.
        virtual void ring() noexcept = 0;
        // Whether the bell counts as something that can happen; at first it does not. Requires the
        // scheduler's thread.
        virtual void keep_polling(bool keep) noexcept = 0;
    };
    // Throws std::system_error if no file descriptors are left.
    virtual std::unique_ptr<Bell> make_bell(std::function<void()> answer) = 0;

    // A task for another thread.
    class Work {
    public:
        virtual void run() noexcept = 0;  // on the other thread
        // Called on the scheduler's thread, in a poll, when the work has run or is cancelled; the
        // poller does not touch the work afterwards.
        virtual void done(bool cancelled) noexcept = 0;

    protected:
        ~Work() = default;
    };
    // Starts the work, which counts as something that can happen until it is done. `done` is never
    // called before this returns.
    virtual void start_work(Work& work) = 0;
    // Cancels the work if it has not begun.
    virtual void cancel_work(Work& work) noexcept = 0;

    // --- for the scheduler

    // The scheduler, as the poller sees it.
    class User {
    public:
        // How long a poll may wait now: 0 if there is something to do; none: without end. Asked
        // again right before waiting, for callbacks of the poll may have sent events.
        virtual std::optional<Duration> time_to_wait() noexcept = 0;
        // Called when a poll has waited for long and nothing has happened.
        virtual void nothing_happened() noexcept = 0;

    protected:
        ~User() = default;
    };
    // Set by the scheduler, as long as it lives.
    void set_user(User* user) noexcept { user_ = user; }

protected:
    User* user() const noexcept { return user_; }
    void set_failpoints(Failpoints* failpoints) noexcept { failpoints_ = failpoints; }
    void note_poll(Time began, Time ended) noexcept { last_poll_ = {began, ended}; }

private:
    LastPoll last_poll_;
    User* user_ = nullptr;
    Failpoints* failpoints_ = nullptr;
};

}  // namespace weir
