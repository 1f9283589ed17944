#pragma once

#include "core/base/clock.h"

namespace weir {

// Decides when timers that are late fire: after input that had arrived before.
//
// While a process is stopped (SIGSTOP, a machine that is migrated) or busy, timers become due and
// input arrives, which may be what the timers wait for: the renewal of a lease, a request of a
// client that seems to be idle. The first poll after a pause may return without having looked at
// all input, and what a poll brings is processed in the round after it. Late timers therefore wait
// for one whole poll and its round, and for further polls as long as each brings something:
// accepting a connection and reading its request takes two. Input without end delays them by
// `most_passes` polls.
class LateTimers {
public:
    // Timers are never early, and up to this time later than that in ordinary operation.
    static constexpr Duration late = std::chrono::milliseconds(10);
    static constexpr unsigned most_passes = 16;

    // Returns whether timers must wait for one more poll. Called after each poll, or between two of
    // them (`polled` is false). `lateness`: of the earliest timer. `quiet`: the poll brought
    // nothing, and nothing is left to process.
    bool must_wait(Duration lateness, bool polled, bool quiet) noexcept {
        if (lateness <= late) {
            passes_ = 0;
            return false;
        }
        if (passes_ != 0 && !polled) {
            return true;
        }
        if (passes_ == most_passes || (passes_ > 1 && quiet)) {
            passes_ = 0;
            return false;
        }
        ++passes_;
        return true;
    }

private:
    unsigned passes_ = 0;  // polls for which late timers have waited
};

}  // namespace weir
