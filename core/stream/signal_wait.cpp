#include "core/stream/signal_wait.h"

#include <algorithm>
#include <cassert>

#include "core/run/routine.h"

namespace weir {

void SocketEvent::received() noexcept {
    List<SignalWaiter> ended;
    ended.take_all(waiters);
    while (!ended.empty()) {  // a routine that is resumed may end the waits of others
        ended.pop_front().signalled();
    }
}

void SignalWait::begin(Routine& routine) {
    for (std::size_t i = 0; i != signals_.size(); ++i) {
        if (signals_[i].source != nullptr) {
            waiters_[i].wait = this;
            signals_[i].source->want(signals_[i].type, waiters_[i]);
        }
    }
    if (deadline_ != no_deadline) {
        Scheduler& scheduler = routine.scheduler();
        timer_.set(scheduler, std::max(deadline_ - scheduler.now(), Duration::zero()), *this);
    }
}

bool SignalWait::await_resume() {
    for (Waiter& waiter : waiters_) {
        waiter.unlink();
    }
    timer_.cancel();
    check_interrupted();
    return !timed_out_;
}

void SignalWait::time_is_over() noexcept {
    timed_out_ = true;
    resume();
}

std::string SignalWait::describe() const {
    std::string text;
    for (const auto& [source, type] : signals_) {
        if (source != nullptr) {
            text += (text.empty() ? "" : " or ") + source->matcher(type).describe();
        }
    }
    return text;
}

}  // namespace weir
