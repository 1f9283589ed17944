#include "core/run/event_handler.h"

#include <stdexcept>

#include "core/base/safe_text.h"
#include "core/run/scheduler.h"

namespace weir {

EventHandler::EventHandler(Scheduler& scheduler, bool daemon) noexcept : Subscriber(scheduler) {
    set_daemon(daemon);
}

EventHandler::~EventHandler() {
    stop_all();
}

void EventHandler::handle(const Matcher& matcher, Function function) {
    if (!matcher) {
        throw std::invalid_argument("an event handler is given an empty matcher");
    }
    auto shared = std::make_shared<const Function>(std::move(function));
    Subscription& subscription = scheduler().subscribe(*this, matcher);
    try {
        functions_.emplace(&subscription, std::move(shared));
    } catch (...) {
        scheduler().unsubscribe(subscription);
        throw;
    }
    // The old function goes last: on failure it is still there.
    stop_one(matcher, &subscription);
    scheduler().enlist(*this);
}

void EventHandler::stop(const Matcher& matcher) noexcept {
    stop_one(matcher, nullptr);
    if (functions_.empty()) {
        stop_all();
    }
}

void EventHandler::stop_one(const Matcher& matcher, const Subscription* but) noexcept {
    for (auto at = functions_.begin(); at != functions_.end(); ++at) {
        if (at->first != but && at->first->matcher == matcher) {
            scheduler().unsubscribe(*at->first);
            functions_.erase(at);
            return;
        }
    }
}

void EventHandler::stop_all() noexcept {
    functions_.clear();
    scheduler().delist(*this);
}

void EventHandler::matched(const Ref<Event>& event, Subscription& subscription) noexcept {
    // A reference of its own: the function may stop itself, and is then destroyed after its call.
    const std::shared_ptr<const Function> function = functions_.at(&subscription);
    try {
        (*function)(event);
    } catch (...) {
        scheduler().log_exception(safe_text([&] { return "a handler of " + event->describe(); }));
    }
}

}  // namespace weir
