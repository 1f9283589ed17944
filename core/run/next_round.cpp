#include "core/run/next_round.h"

#include <utility>

#include "core/run/routine.h"
#include "core/run/scheduler.h"

namespace weir {

void NextRound::line_up(Routine& routine) noexcept {
    routine.scheduler().await_next_round(*this);
}

void Scheduler::await_next_round(NextRound& wait) noexcept {
    yielding_.push_back(wait);
    go_on_wanted_ = true;
}

// A routine that yields again meanwhile waits for the round after this one.
void Scheduler::go_on(const Event& event) noexcept {
    List<NextRound, Scheduler> before;
    before.take_all(yielding_);
    while (!before.empty()) {
        NextRound& wait = before.pop_front();
        if (tracer_ != nullptr && wait.routine_ != nullptr) [[unlikely]] {
            tracer_->delivered(event, go_on_matcher_, *wait.routine_);
        }
        wait.resume();
        run_calls();
    }
}

// The scheduler gives each `go_on` event its address when it sends it: an event that code has kept
// and sends again, perhaps to another scheduler, resumes no routine.
void SystemControlEvent::received() noexcept {
    if (Scheduler* const sender = std::exchange(scheduler, nullptr)) {
        sender->go_on(*this);
    }
}

}  // namespace weir
