#include "core/wait_for_all.h"

#include "core/routine.h"
#include "core/scheduler.h"

namespace weir {

Wait::Then WaitForAll::matched(const Ref<Event>& event, Subscription& subscription) {
    const std::size_t which = subscription.position;
    if (process_) {
        event->set_ignorable();
    }
    arrived_.push_back({event, which});
    if (callback_) {
        callback_(arrived_.back());
    }
    if (arrived_.size() == matchers_.size()) {
        return Then::resume;
    }
    // Only this one is taken back; the others keep their places.
    routine_->scheduler().unsubscribe(subscription);
    return Then::wait_on;
}

}  // namespace weir
