#pragma once

#include <utility>

#include "core/base/log.h"
#include "core/simulation/simulation.h"
#include "modules/lock/table.h"
#include "tests/support/world_on.h"

namespace weir::test {

// A world with the queue that locks need.
template <class P>
struct LockWorldOn : WorldOn<P> {
    template <class... A>
    explicit LockWorldOn(LockSettings settings, SchedulerOptions options, A&&... of_poller)
        : WorldOn<P>(std::move(options), std::forward<A>(of_poller)...) {
        add_lock_queue(this->scheduler, std::move(settings));
    }
};

}  // namespace weir::test

namespace weir::benchmark {

// What a benchmark logs is seen.
template <class P>
struct LockWorldOn : test::LockWorldOn<P> {
    LockWorldOn() : test::LockWorldOn<P>({}, {.log = log_to_stderr()}) {}
};

/// In virtual time, so that polls cost nothing.
using LockWorld = LockWorldOn<Simulation>;

}  // namespace weir::benchmark
