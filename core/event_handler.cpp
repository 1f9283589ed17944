#include "core/event_handler.h"

#include "core/scheduler.h"

namespace weir {

EventHandler::EventHandler(Scheduler& scheduler, bool daemon) noexcept : Subscriber(scheduler) {
    set_daemon(daemon);
}

EventHandler::~EventHandler() {
    stop_all();
}

void EventHandler::handle(const Matcher& matcher, Function function) {
    stop(matcher);
    scheduler().enlist(*this);
    functions_[&scheduler().subscribe(*this, matcher)] = std::move(function);
}

void EventHandler::stop(const Matcher& matcher) noexcept {
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
