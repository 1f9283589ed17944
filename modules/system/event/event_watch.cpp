#include "modules/system/event/event_watch.h"

#include <new>
#include <utility>

#include "core/run/scheduler.h"
#include "core/run/wait.h"
#include "modules/system/event/event_topic.h"

namespace weir {

EventWatch::EventWatch(EventTopic& topic, WatchLimits limits, bool for_bridge)
    : topic_(topic), limits_(limits), for_bridge_(for_bridge), ready_(match<WatchReady>(this)) {
    topic_.join(*this);
}

EventWatch::~EventWatch() {
    topic_.leave(*this);
}

const Matcher& EventWatch::matcher() const noexcept {
    return topic_.matcher();
}

const std::string& EventWatch::type() const noexcept {
    return topic_.type();
}

EventWatch::Item EventWatch::take() {
    if (kept_.empty()) {
        return {.event = nullptr, .lost = std::exchange(lost_, 0)};
    }
    Item item = std::move(kept_.front());
    kept_.pop_front();
    if (item.event != nullptr) {
        bytes_ -= item.event->json.size();
    }
    return item;
}

Task<EventWatch::Item> EventWatch::next() {
    while (!ready()) {
        waiting_ = true;
        co_await ready_;
    }
    co_return take();
}

void EventWatch::add(const std::shared_ptr<const WatchedEvent>& event, bool bridged) noexcept {
    if (bridged && for_bridge_) {
        return;
    }
    try {
        // The first event always fits, whatever its size. That events were lost is an item too, so
        // that the reader learns it where they are missing.
        const bool full = !kept_.empty() && (kept_.size() >= limits_.events ||
                                             bytes_ + event->json.size() > limits_.bytes);
        if (full) {
            count_lost();
            return;
        }
        if (lost_ != 0) {
            kept_.push_back({.event = nullptr, .lost = lost_});
            lost_ = 0;
        }
        kept_.push_back({.event = event, .lost = 0});
        bytes_ += event->json.size();
    } catch (const std::bad_alloc&) {
        count_lost();
        return;
    }
    wake();
}

void EventWatch::count_lost() noexcept {
    ++lost_;
    ++all_lost_;
    wake();
}

void EventWatch::wake() noexcept {
    if (!waiting_) {
        return;
    }
    try {
        topic_.scheduler().emergency_send(make_event<WatchReady>(this));
        waiting_ = false;
    } catch (const std::bad_alloc&) {
        // The next event tries again.
    }
}

}  // namespace weir
