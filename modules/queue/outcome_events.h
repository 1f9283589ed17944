#pragma once

#include <cstddef>
#include <list>
#include <utility>

#include "core/run/routine.h"
#include "core/run/task.h"
#include "core/wait/condition.h"
#include "modules/queue/job.h"
#include "modules/system/module/module.h"

namespace weir::jobs {

// Sends an event Finished or Dead for each job that is done or has failed for good, in order, when
// there is room for it. A worker that ends a job waits for the listeners only when `most` events
// wait for them.
class OutcomeEvents {
public:
    static constexpr std::size_t most = 1000;

    // The module must outlive it.
    explicit OutcomeEvents(Module& module) noexcept : module_(module) {}

    void begin();
    void end() noexcept;
    // Takes the outcomes over, however many wait.
    void add(std::list<Outcome>& outcomes) noexcept;
    // Waits until fewer than `most` events wait.
    Task<> room();
    // Waits until all events are sent, but not for long: the log says how many are dropped.
    Task<> flush();

    // What waits, for the next version of the module, which adds it. The one that is being sent is
    // part of it.
    std::list<Outcome> release() noexcept { return std::move(waiting_); }

private:
    Task<> send_first();

    Module& module_;
    std::list<Outcome> waiting_;
    Condition changed_;  // one has come, or was sent
    Ref<Routine> routine_;
};

}  // namespace weir::jobs
