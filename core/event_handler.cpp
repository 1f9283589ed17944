#include "core/event_handler.h"

#include <stdexcept>

#include "core/scheduler.h"

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
    stop_one(matcher);
    scheduler().enlist(*this);
    functions_[&scheduler().subscribe(*this, matcher)] = std::move(function);
}

void EventHandler::stop(const Matcher& matcher) noexcept {
    stop_one(matcher);
    if (functions_.empty()) {
        stop_all();
    }
}

void EventHandler::stop_one(const Matcher& matcher) noexcept {
    for (auto at = functions_.begin(); at != functions_.end(); ++at) {
        if (at->first->matcher == matcher) {
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
    const Function function = functions_[&subscription];  // it may stop itself while it is called
    try {
        function(event);
    } catch (...) {
        scheduler().log_exception("a handler of " + event->describe());
    }
}

}  // namespace weir
