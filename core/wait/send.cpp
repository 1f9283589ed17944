#include "core/wait/send.h"

#include "core/run/routine.h"
#include "core/run/scheduler.h"

namespace weir {

Matcher Send::try_now(Routine& routine) const {
    return routine.scheduler().try_send(event_);
}

Wait::Then RefusedSend::matched(const Ref<Event>&, Subscription&) {
    // Another sender may have filled the queue since the signal: the wait then begins anew.
    signal_ = routine_->scheduler().try_send(event_);
    return signal_ ? Then::wait_anew : Then::resume;
}

std::string RefusedSend::describe() const {
    return "room in a queue for " + event_->describe();
}

bool SendUntil::try_now(Routine& routine) {
    if (until_ && until_()) {
        return true;
    }
    signal_ = routine.scheduler().try_send(event_);
    sent_ = !signal_;
    return sent_;
}

Wait::Then SendUntil::matched(const Ref<Event>&, Subscription&) {
    return try_now(*routine_) ? Then::resume : Then::wait_anew;
}

std::string SendUntil::describe() const {
    return "room in a queue for " + event_->describe();
}

}  // namespace weir
