#include "modules/queue/outcome_events.h"

#include <chrono>

#include "core/wait/send.h"
#include "modules/queue/api.h"
#include "modules/queue/keep_sending.h"
#include "modules/system/call/json.h"

namespace weir::jobs {

void OutcomeEvents::begin() {
    routine_ = module_.start(
        keep_sending(
            changed_, [this] { return !waiting_.empty(); }, [this] { return send_first(); }),
        {.name = "queue.outcomes", .daemon = true});
}

void OutcomeEvents::end() noexcept {
    if (routine_ != nullptr) {
        routine_->close();
    }
}

void OutcomeEvents::add(std::list<Outcome>& outcomes) noexcept {
    waiting_.splice(waiting_.end(), outcomes);
    changed_.notify();
}

Task<> OutcomeEvents::room() {
    while (waiting_.size() >= most) {
        co_await changed_.notified();
    }
}

Task<> OutcomeEvents::flush() {
    const Time deadline = module_.scheduler().now() + std::chrono::seconds(1);
    Task<bool> sending = changed_.until([this] { return waiting_.empty(); }, deadline);
    const bool all_sent = co_await sending;
    if (!all_sent) {
        module_.log().warning(
            "{} events of jobs that have ended are dropped: listeners have no room",
            waiting_.size());
    }
}

Task<> OutcomeEvents::send_first() {
    const Outcome& first = waiting_.front();
    const Ref<Event> event =
        first.is_dead ? Ref<Event>(make_event<Dead>(first.queue, first.key, first.id,
                                                    value_of(Json::parse(first.data)), first.tries,
                                                    first.reason))
                      : Ref<Event>(make_event<Finished>(first.queue, first.key, first.id));
    co_await send(event);
    waiting_.pop_front();
    changed_.notify();
}

}  // namespace weir::jobs
