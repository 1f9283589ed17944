#include "core/run/deadline.h"

#include <cassert>
#include <utility>

#include "core/run/scheduler.h"
#include "core/run/wait.h"

namespace weir {

Wait* TimerState::ends() const noexcept {
    return deadline_ == nullptr ? nullptr : deadline_->wait_;
}

Ref<TimerState> TimerState::state_of_event() {
    if (deadline_ == nullptr) {
        return Ref<TimerState>(this);
    }
    Ref<TimerState> state(new TimerState(Duration::zero()));
    state->deadline_ = deadline_;
    deadline_->fired_ = state;
    return state;
}

void TimerEvent::received() noexcept {
    if (Wait* const wait = state->ends()) {
        wait->time_is_over();
    }
}

void Deadline::set(Scheduler& scheduler, Duration after, Wait& wait) {
    assert(wait_ == nullptr);
    scheduler.set_timer(timer_, after);
    wait_ = &wait;
}

void Deadline::end() noexcept {
    wait_ = nullptr;
    TimerHeap::cancel(timer_);
    if (const Ref<TimerState> fired = std::exchange(fired_, nullptr)) {
        fired->deadline_ = nullptr;
    }
}

}  // namespace weir
