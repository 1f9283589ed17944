#include "modules/system/rights/login_limiter.h"

#include <algorithm>
#include <chrono>
#include <iterator>

namespace weir {

void LoginLimiter::refill(Bucket& bucket, Time now) noexcept {
    const std::chrono::duration<double> passed = now - bucket.at;
    bucket.attempts =
        std::min(burst, bucket.attempts + passed / std::chrono::duration<double>(interval));
    bucket.at = now;
}

LoginLimiter::Bucket& LoginLimiter::bucket_of(std::string_view source, Time now) {
    const auto known = buckets_.find(source);
    if (known != buckets_.end()) {
        refill(known->second, now);
        return known->second;
    }
    if (buckets_.size() >= most_sources && now >= next_sweep_) {
        // Those that have failed long ago, or never, need not be remembered. Looks for them once in
        // an interval: a source that has failed is not forgotten sooner.
        next_sweep_ = now + interval;
        for (auto entry = buckets_.begin(); entry != buckets_.end();) {
            refill(entry->second, now);
            entry = entry->second.attempts >= burst ? buckets_.erase(entry) : std::next(entry);
        }
    }
    if (buckets_.size() >= most_sources) {
        refill(others_, now);
        return others_;
    }
    return buckets_.emplace(source, Bucket{burst, now}).first->second;
}

std::optional<Duration> LoginLimiter::take(std::string_view source, Time now) {
    Bucket& bucket = bucket_of(source, now);
    const double missing = std::max(0.0, 1 - bucket.attempts);
    const auto wait =
        std::chrono::duration_cast<Duration>(missing * std::chrono::duration<double>(interval));
    if (wait > longest_wait) {
        return {};
    }
    bucket.attempts -= 1;
    return wait;
}

void LoginLimiter::give_back(std::string_view source, Time now) {
    Bucket& bucket = bucket_of(source, now);
    bucket.attempts = std::min(burst, bucket.attempts + 1);
}

}  // namespace weir
