#include "core/wait/rate_limiter.h"

#include <stdexcept>
#include <utility>

#include "core/run/wait.h"
#include "core/wait/do_events.h"

namespace weir {

RateLimiter::RateLimiter(std::uint64_t limit, Container& container)
    : container_(container), limit_(limit), released_(limit) {
    if (limit == 0) {
        throw std::invalid_argument("the limit of a rate limiter is 0");
    }
}

RateLimiter::~RateLimiter() {
    if (releasing_ != nullptr) {
        releasing_->close();
    }
}

Task<bool> RateLimiter::limit(std::uint64_t use) {
    if (releasing_ == nullptr || releasing_->ended()) {
        taken_ = 0;
        released_ = limit_;
        releasing_ =
            container_.start(release_each_round(), {.name = "rate limiter", .foreground = true});
    }
    // Units are numbered in the order of the calls. A caller's first unit decides its round, so
    // that a large request passes in one piece and is charged to later rounds.
    const std::uint64_t before = std::exchange(taken_, taken_ + use);
    if (before < released_) {
        co_return false;
    }
    co_await match<RateLimitingEvent>(this, before / limit_);
    co_return true;
}

Task<> RateLimiter::release_each_round() {
    for (std::uint64_t round = 1;; ++round) {
        co_await do_events();
        // Nothing is left to release: the limiter becomes idle, and its next use starts a new
        // count.
        if (round * limit_ >= taken_) {
            break;
        }
        container_.scheduler().emergency_send(make_event<RateLimitingEvent>(this, round));
        released_ += limit_;
    }
    releasing_.reset();
}

}  // namespace weir
