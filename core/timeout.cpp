#include "core/timeout.h"

#include "core/routine.h"
#include "core/scheduler.h"

namespace weir {

void WaitWithTimeout::set_timer(Routine& routine) {
    if (timeout_) {
        timer_ = routine.scheduler().set_timer(*timeout_);
        matchers_.push_back(timer_.matcher());
    }
}

Wait::Then WaitWithTimeout::matched(const Ref<Event>& event, Subscription& subscription) {
    if (!timeout_ || subscription.position + 1 != matchers_.size()) {
        matched_ = Matched{event, subscription.position};
    }
    return Then::resume;
}

Timer set_timer_in(Routine& routine, Duration timeout) {
    return routine.scheduler().set_timer(timeout);
}

}  // namespace weir
