#pragma once

#include <cstdint>
#include <optional>

#include "core/clock.h"

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

private:
    User* user_ = nullptr;
};

}  // namespace weir
