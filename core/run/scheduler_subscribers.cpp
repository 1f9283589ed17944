#include <algorithm>
#include <cassert>
#include <memory>

#include "core/run/scheduler.h"

namespace weir {

Subscription& Scheduler::subscribe_in(MatchTree& tree, Subscriber& subscriber,
                                      const Matcher& matcher) {
    assert(&subscriber.scheduler() == this);
    std::unique_ptr<Subscription> allocated;
    if (subscriber.inside_.inserted()) {
        allocated = std::make_unique<Subscription>(subscriber);
    }
    Subscription& subscription = allocated != nullptr ? *allocated : subscriber.inside_;
    subscription.matcher = matcher;
    subscription.serial_ = ++subscriptions_made_;
    try {
        tree.insert(subscription);
    } catch (...) {
        subscription.matcher = {};
        throw;
    }
    subscriber.subscriptions_.push_back(subscription);
    ++subscriptions_;
    static_cast<void>(allocated.release());  // deleted by unsubscribe()
    if (blocked_events_.may_hold(matcher)) {
        unblock_matching(matcher);
    }
    return subscription;
}

bool Scheduler::renew(Subscription& subscription, const Matcher& matcher) noexcept {
    if (subscription.deliveries_ != 0 || blocked_events_.may_hold(matcher) ||
        !subscription.matcher.same_events(matcher)) {
        return false;
    }
    subscription.matcher = matcher;
    subscription.serial_ = ++subscriptions_made_;
    MatchTree::move_to_end(subscription);
    return true;
}

// Blocked events that match leave their queues again.
void Scheduler::unblock_matching(const Matcher& matcher) {
    std::vector<Ref<Event>> taken;
    blocked_events_.take(matcher, taken);
    for (const Ref<Event>& event : taken) {
        unblock(*event);
    }
}

void Scheduler::unblock(Event& event) {
    Queue::unblock(event);
    if (tracer_ != nullptr) [[unlikely]] {
        tracer_->unblocked(event);
    }
}

void Scheduler::unsubscribe(Subscription& subscription) noexcept {
    if (subscription.deliveries_ != 0) [[unlikely]] {
        forget_deliveries(subscription);
    }
    --subscriptions_;
    Subscriber& subscriber = subscription.subscriber();
    if (&subscription != &subscriber.inside_) {
        delete &subscription;
        return;
    }
    MatchTree::remove(subscription);
    List<Subscription, Subscriber>::remove(subscription);
    subscription.matcher = {};
}

// Events that are about to be delivered to it are not.
void Scheduler::forget_deliveries(Subscription& subscription) noexcept {
    const std::size_t last = subscription.last_delivery_;
    if (subscription.deliveries_ == 1 && last < deliveries_.size() &&
        deliveries_[last] == &subscription) {
        deliveries_[last] = nullptr;
    } else {
        std::replace(deliveries_.begin(), deliveries_.end(),
                     static_cast<MatchTree::Entry*>(&subscription),
                     static_cast<MatchTree::Entry*>(nullptr));
    }
    subscription.deliveries_ = 0;
}

void Scheduler::unsubscribe_all(Subscriber& subscriber) noexcept {
    while (!subscriber.subscriptions_.empty()) {
        unsubscribe(subscriber.subscriptions_.front());
    }
}

void Scheduler::enlist(Subscriber& subscriber) noexcept {
    if (!subscriber.registered_) {
        subscriber.registered_ = true;
        subscribers_.push_back(subscriber);
        keeping_alive_ += subscriber.daemon_ ? 0 : 1;
    }
}

void Scheduler::delist(Subscriber& subscriber) noexcept {
    unsubscribe_all(subscriber);
    if (subscriber.registered_) {
        subscriber.registered_ = false;
        List<Subscriber, Scheduler>::remove(subscriber);
        keeping_alive_ -= subscriber.daemon_ ? 0 : 1;
    }
}

}  // namespace weir
