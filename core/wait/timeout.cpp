#include "core/wait/timeout.h"

#include <array>
#include <chrono>
#include <cstdio>

#include "core/run/routine.h"
#include "core/run/scheduler.h"

namespace weir {

void WaitWithTimeout::set_timer(Routine& routine) {
    if (timeout_) {
        timer_ = routine.scheduler().set_timer(*timeout_);
        matchers_.push_back(timer_.matcher());
    }
}

Wait::Then WaitWithTimeout::matched(const Ref<Event>& event, Subscription& subscription) {
    // The timer's matcher is the last: if it matched, the result stays empty.
    if (!timeout_ || subscription.position + 1 != matchers_.size()) {
        matched_ = Matched{event, subscription.position};
    }
    return Then::resume;
}

std::string WaitWithTimeout::describe() const {
    std::string text;
    const std::size_t wanted = matchers_.size() - (timeout_ ? 1 : 0);
    for (std::size_t i = 0; i != wanted; ++i) {
        text += matchers_[i].describe() + " or ";
    }
    if (!timeout_) {
        return text.substr(0, text.rfind(" or "));
    }
    std::array<char, 64> seconds;
    std::snprintf(seconds.data(), seconds.size(), "the end of %.9g s",
                  std::chrono::duration<double>(*timeout_).count());
    return text + seconds.data();
}

Timer set_timer_in(Routine& routine, Duration timeout) {
    return routine.scheduler().set_timer(timeout);
}

}  // namespace weir
