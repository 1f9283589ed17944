#include "core/wait/wait_for_all.h"

#include <algorithm>

#include "core/run/routine.h"
#include "core/run/scheduler.h"

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
    // Unsubscribing this matcher alone lets the other ones keep their positions among the waiters.
    routine_->scheduler().unsubscribe(subscription);
    return Then::wait_on;
}

// Lists the matchers that have not matched yet.
std::string WaitForAll::describe() const {
    std::string text;
    for (std::size_t i = 0; i != matchers_.size(); ++i) {
        const bool arrived = std::any_of(arrived_.begin(), arrived_.end(),
                                         [i](const Matched& one) { return one.which == i; });
        if (!arrived) {
            text += (text.empty() ? "" : " and ") + matchers_[i].describe();
        }
    }
    return text;
}

}  // namespace weir
