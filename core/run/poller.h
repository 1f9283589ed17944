#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "core/base/clock.h"

namespace weir {

// The seam between a scheduler and the world: the clock, waiting for what happens outside, and
// randomness. UvPoller is the world of libuv, Simulation one of virtual time.
class Poller {
public:
    virtual ~Poller() = default;

    // The time now. Never goes back.
    virtual Time now() noexcept = 0;

    // Lets happen what has happened outside: what it brings is sent by the callbacks. Waits for
    // something to happen for at most `wait`, without end if there is none. Returns false if
    // `wait` is none and nothing can happen any more.
    virtual bool poll(std::optional<Duration> wait) = 0;

    // Makes a poll that waits, or the next one, return. Called on the scheduler's thread only,
    // from the poll's callbacks.
    virtual void wake() noexcept = 0;

    // A random number, of which all bits are good.
    virtual std::uint64_t random() noexcept = 0;

    // --- chance, for tests

    // Decides what happens by chance at the points that code has for it; see chance.h.
    class Failpoints {
    public:
        virtual bool happens(std::string_view point, double probability) noexcept = 0;

    protected:
        ~Failpoints() = default;
    };
    // Null where nothing is left to chance: always, but in some simulations.
    Failpoints* failpoints() const noexcept { return failpoints_; }

    // --- other threads

    // A way to reach the scheduler's thread from any other. Destroyed on the scheduler's.
    class Bell {
    public:
        virtual ~Bell() = default;
        // Lets a poll soon call what the bell was made with. Several rings may be answered at
        // once. Called on any thread, but not while the bell is destroyed.
        virtual void ring() noexcept = 0;
        // Whether it counts as something that can happen; at first it does not. Called on the
        // scheduler's thread.
        virtual void keep_polling(bool keep) noexcept = 0;
    };
    // Throws std::system_error if there is no more of what it takes.
    virtual std::unique_ptr<Bell> make_bell(std::function<void()> answer) = 0;

    // What another thread is to do.
    class Work {
    public:
        virtual void run() noexcept = 0;  // on the other thread
        // On the scheduler's thread, in a poll, when it has run or is cancelled. Nothing touches
        // the work after that.
        virtual void done(bool cancelled) noexcept = 0;

    protected:
        ~Work() = default;
    };
    // Until it is done, which is never before the call returns, it counts as something that can
    // happen.
    virtual void start_work(Work& work) = 0;
    // Lets it not run, if it has not begun.
    virtual void cancel_work(Work& work) noexcept = 0;

    // --- for the scheduler

    // Who polls.
    class User {
    public:
        // How long a poll may wait now: 0 if there is something to do; none: without end. What the
        // callbacks of a poll bring may have changed it, so it is asked again before waiting.
        virtual std::optional<Duration> time_to_wait() noexcept = 0;
        // The poll has waited for long, and nothing has happened.
        virtual void nothing_happened() noexcept = 0;

    protected:
        ~User() = default;
    };
    // Set by the scheduler, as long as it lives.
    void set_user(User* user) noexcept { user_ = user; }

protected:
    User* user() const noexcept { return user_; }
    void set_failpoints(Failpoints* failpoints) noexcept { failpoints_ = failpoints; }

private:
    User* user_ = nullptr;
    Failpoints* failpoints_ = nullptr;
};

}  // namespace weir
