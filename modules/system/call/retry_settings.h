#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>

#include "config/settings/settings.h"
#include "core/base/clock.h"
#include "core/run/scheduler.h"

namespace weir {

// How often a module tries something again that fails, as one of its settings. The pauses grow, and
// differ at random: so that not all that fails together is tried again together.
struct RetrySettings {
    std::uint32_t times = 3;
    std::chrono::milliseconds backoff = std::chrono::seconds(1);
    double factor = 2;
    std::chrono::milliseconds longest = std::chrono::minutes(1);
    double jitter = 0.2;

    static config::Settings<RetrySettings> describe() {
        using config::setting;
        using std::chrono::hours;
        using S = RetrySettings;
        return config::settings<S>(
            "How it is tried again when it fails",
            setting("times", &S::times, "How often, after the first time").range(0, 1'000'000),
            setting("backoff", &S::backoff, "How long to wait before the second try")
                .at_most(hours(24)),
            setting("factor", &S::factor, "By how much each wait is longer than the one before")
                .range(1, 100),
            setting("longest", &S::longest, "The longest wait").at_most(hours(24)),
            setting("jitter", &S::jitter,
                    "By which part of itself each wait is longer or shorter, at random: so that "
                    "not all that fails together is tried again together")
                .range(0, 1));
    }

    // Returns how long to wait when it has failed for the time of this number, the first being 1.
    Duration pause_after(std::uint32_t failures, Scheduler& scheduler) const {
        constexpr double half = 4503599627370496.0;  // 2^52
        const double part = static_cast<double>(scheduler.poller().random() >> 11U) / half - 1;
        const double time = std::min(
            std::chrono::duration<double>(longest).count(),
            std::chrono::duration<double>(backoff).count() * std::pow(factor, failures - 1));
        return std::chrono::duration_cast<Duration>(
            std::chrono::duration<double>(time * (1 + jitter * part)));
    }
};

}  // namespace weir
