#pragma once

#include <cstdint>

#include "core/event/event.h"
#include "core/run/container.h"
#include "core/run/task.h"

namespace weir {

class RateLimiter;

/// Sent when a rate limiter admits the next waiters; `index` counts the rounds.
struct RateLimitingEvent : Event {
    Index<const RateLimiter*> limiter;
    Index<std::uint64_t> index;

    static auto declare() {
        return declare_event<RateLimitingEvent>("weir.RateLimitingEvent")
            .index("limiter", &RateLimitingEvent::limiter)
            .index("index", &RateLimitingEvent::index);
    }
};

/// Limits how much is done in one round of the scheduler: operations, bytes, or any other unit.
/// Callers pass in FIFO order. Must outlive the routines that wait for it. Not thread-safe.
class RateLimiter {
public:
    /// Throws std::invalid_argument if the limit is 0.
    RateLimiter(std::uint64_t limit, Container& container);
    RateLimiter(const RateLimiter&) = delete;
    RateLimiter& operator=(const RateLimiter&) = delete;
    ~RateLimiter();

    std::uint64_t limit_per_round() const noexcept { return limit_; }

    /// Takes `use` units. Waits for a later round if the capacity of this round is used up. Returns
    /// whether it waited.
    Task<bool> limit(std::uint64_t use = 1);

private:
    Task<> release_each_round();

    Container& container_;
    const std::uint64_t limit_;
    std::uint64_t taken_ = 0;  // units, since the limiter was idle
    std::uint64_t released_;   // units that no caller has to wait for
    Ref<Routine> releasing_;
};

}  // namespace weir
