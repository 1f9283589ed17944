#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/program/standard_queues.h"
#include "core/run/container.h"
#include "core/run/scheduler.h"

namespace weir::test {

// What the worlds of tests and benchmarks have in common: a scheduler with the standard queues on a
// poller, a container, and what the scheduler logs.
template <class P>
struct WorldOn {
    template <class... A>
    explicit WorldOn(SchedulerOptions options = {}, A&&... of_poller)
        : poller(std::forward<A>(of_poller)...), scheduler(poller, prepare(std::move(options))) {
        add_standard_queues(scheduler.queue());
    }
    WorldOn(const WorldOn&) = delete;
    WorldOn& operator=(const WorldOn&) = delete;

    P poller;
    std::vector<std::string> log;
    Scheduler scheduler;
    Container container{scheduler};

private:
    SchedulerOptions prepare(SchedulerOptions options) {
        if (!options.queue.kind) {
            options.queue = standard_root();
        }
        if (!options.log) {
            options.log = [this](const LogRecord& record) { log.emplace_back(record.text); };
        }
        return options;
    }
};

}  // namespace weir::test
