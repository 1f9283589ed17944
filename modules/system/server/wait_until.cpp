#include "modules/system/server/wait_until.h"

#include <algorithm>
#include <chrono>

#include "core/run/container.h"
#include "core/run/routine.h"
#include "core/run/scheduler.h"
#include "core/wait/do_events.h"
#include "core/wait/timeout.h"

namespace weir {

Task<bool> wait_until(std::function<bool()> holds, std::optional<Duration> timeout) {
    const Routine& self = co_await this_routine();
    Scheduler& scheduler = self.scheduler();
    const Time began = scheduler.now();
    // Most of what is waited for happens within a few rounds; the rest may take its time.
    for (Duration pause = std::chrono::milliseconds(1);;) {
        for (int i = 0; i != 3; ++i) {
            if (holds()) {
                co_return true;
            }
            co_await do_events();
        }
        const Duration waited = scheduler.now() - began;
        if (holds()) {
            co_return true;
        }
        if (timeout && waited >= *timeout) {
            co_return false;
        }
        co_await sleep(timeout ? std::min(pause, *timeout - waited) : pause);
        pause = std::min<Duration>(pause * 2, std::chrono::milliseconds(100));
    }
}

}  // namespace weir
