#pragma once

#include <cstdint>

#include "core/event/event.h"
#include "core/run/container.h"
#include "core/run/task.h"

namespace weir {

class RateLimiter;

// A rate limiter lets the next ones pass.
struct RateLimitingEvent : Event {
    Index<const RateLimiter*> limiter;
    Index<std::uint64_t> index;

    static auto declare() {
        return declare_event<RateLimitingEvent>("weir.RateLimitingEvent")
            .index("limiter", &RateLimitingEvent::limiter)
            .index("index", &RateLimitingEvent::index);
    }
};

// Limits how much is done in one round of the scheduler: operations, bytes, or whatever is
// counted. Who comes first passes first. Must outlive those who wait for it.
class RateLimiter {
public:
    // Throws std::invalid_argument if the limit is 0.
    RateLimiter(std::uint64_t limit, Container& container);
    RateLimiter(const RateLimiter&) = delete;
    RateLimiter& operator=(const RateLimiter&) = delete;
    ~RateLimiter();

    std::uint64_t limit_per_round() const noexcept { return limit_; }

    // Takes `use` of what is limited, waiting for a later round if this one's share is used up.
    // Returns whether it had to wait.
    Task<bool> limit(std::uint64_t use = 1);

private:
    Task<> release_each_round();

    Container& container_;
    const std::uint64_t limit_;
    std::uint64_t taken_ = 0;  // since it was idle
    std::uint64_t released_;   // up to here nobody has to wait
    Ref<Routine> releasing_;
};

}  // namespace weir
