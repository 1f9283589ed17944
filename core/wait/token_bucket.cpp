#include "core/wait/token_bucket.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "core/event/event.h"
#include "core/wait/timeout.h"

namespace weir {
namespace {

// Sums of fractions are not exact: a caller must not wait again for what is missing by that.
constexpr double rounding = 1e-6;

constexpr Duration longest_token_wait = std::chrono::hours(24 * 365);

// Sent to a caller that has become the first, or whose tokens come at another time than it knew.
struct TokenTurnEvent : Event {
    Index<const void*> waiter;

    static auto declare() {
        return declare_event<TokenTurnEvent>("weir.TokenTurnEvent")
            .index("waiter", &TokenTurnEvent::waiter);
    }
};

double least_for(std::uint64_t tokens, double burst) noexcept {
    return std::min(static_cast<double>(tokens), burst) - rounding;
}

}  // namespace

// A caller in the line, which it leaves when it has its tokens, or is closed.
class TokenBucket::Waiter : public Link<Waiter> {
public:
    explicit Waiter(TokenBucket& bucket)
        : bucket_(bucket), turn_(make_event<TokenTurnEvent>(static_cast<const void*>(this))) {
        bucket_.waiting_.push_back(*this);
        ++bucket_.waiting_count_;
    }
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;
    ~Waiter() {
        const bool was_first = is_first();
        unlink();
        --bucket_.waiting_count_;
        if (was_first && !bucket_.waiting_.empty()) {
            bucket_.waiting_.front().wake();
        }
    }

    bool is_first() const noexcept { return &bucket_.waiting_.front() == this; }
    MatcherOf<TokenTurnEvent> woken() const {
        return match<TokenTurnEvent>(static_cast<const void*>(this));
    }
    // Needs no memory: the event was made with the caller.
    void wake() noexcept {
        if (!turn_->queued()) {
            bucket_.scheduler_.emergency_send(turn_);
        }
    }

private:
    TokenBucket& bucket_;
    const Ref<TokenTurnEvent> turn_;
};

TokenBucket::TokenBucket(Scheduler& scheduler, double per_second, double burst)
    : scheduler_(scheduler), filled_(scheduler.now()) {
    set(per_second, burst);
    tokens_ = burst;
}

TokenBucket::~TokenBucket() {
    assert(waiting_.empty());
}

void TokenBucket::set(double per_second, double burst) {
    if (!std::isfinite(per_second) || !std::isfinite(burst) || per_second <= 0 || burst <= 0) {
        throw std::invalid_argument("a token bucket needs a rate and a burst that are positive");
    }
    per_second_ = per_second;
    burst_ = burst;
}

void TokenBucket::change(double per_second, double burst) {
    tokens();  // what has come by the old rate
    set(per_second, burst);
    tokens_ = std::min(tokens_, burst_);
    if (!waiting_.empty()) {
        waiting_.front().wake();
    }
}

double TokenBucket::tokens() noexcept {
    const Time now = scheduler_.now();
    const double seconds = std::chrono::duration<double>(now - filled_).count();
    filled_ = now;
    tokens_ = std::min(tokens_ + seconds * per_second_, burst_);
    return tokens_;
}

bool TokenBucket::take_now(std::uint64_t wanted) noexcept {
    if (tokens() < least_for(wanted, burst_)) {
        return false;
    }
    tokens_ -= static_cast<double>(wanted);
    return true;
}

Duration TokenBucket::time_until(std::uint64_t wanted) const noexcept {
    const std::chrono::duration<double> time((least_for(wanted, burst_) - tokens_) / per_second_);
    return time >= longest_token_wait ? longest_token_wait
                                      : std::chrono::ceil<Duration>(time) + Duration(1);
}

bool TokenBucket::try_take(std::uint64_t wanted) {
    return waiting_.empty() && take_now(wanted);
}

Task<> TokenBucket::take(std::uint64_t wanted) {
    if (try_take(wanted)) {
        co_return;
    }
    const Waiter waiter(*this);
    const MatcherOf<TokenTurnEvent> woken = waiter.woken();
    for (;;) {
        if (!waiter.is_first()) {
            co_await woken;
        } else if (take_now(wanted)) {
            co_return;
        } else {
            co_await wait_with_timeout(time_until(wanted), woken);
        }
    }
}

}  // namespace weir
