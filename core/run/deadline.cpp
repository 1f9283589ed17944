#include "core/run/deadline.h"

#include <cassert>
#include <utility>

#include "core/run/scheduler.h"
#include "core/run/wait.h"

namespace weir {

void TimerEvent::received() noexcept {
    if (Wait* const wait = state->ends()) {
        wait->time_is_over();
    }
}

void Deadline::set(Scheduler& scheduler, Duration after, Wait& wait) {
    assert(state_ == nullptr);
    const Ref<TimerState> state(new TimerState(Duration::zero()));
    scheduler.set_timer(*state, after);
    state_ = state;
    state_->ends_ = &wait;
}

void Deadline::cancel() noexcept {
    if (const Ref<TimerState> state = std::exchange(state_, nullptr)) {
        state->ends_ = nullptr;
        TimerHeap::cancel(*state);
    }
}

}  // namespace weir
