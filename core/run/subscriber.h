#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/list.h"
#include "core/base/pool.h"
#include "core/base/ref.h"
#include "core/event/match_tree.h"

namespace weir {

class Event;
class Scheduler;
class Subscriber;

/// The registration of one matcher of a subscriber with the scheduler. Made by
/// Scheduler::subscribe.
class Subscription : public Link<Subscription, Subscriber>,
                     public MatchTree::Entry,
                     public pool::Pooled {
public:
    explicit Subscription(Subscriber& subscriber) noexcept;

    Subscriber& subscriber() const noexcept;

    std::uint32_t position = 0;  ///< of the matcher among those that the subscriber waits for

private:
    friend class Scheduler;
    std::uint64_t serial_ = 0;         // no two of a scheduler have the same
    std::uint32_t deliveries_ = 0;     // events that are about to be delivered to it
    std::uint32_t last_delivery_ = 0;  // where the last of them stands
};

/// A receiver of events: a routine or an event handler. Belongs to one scheduler.
///
/// Most subscribers have one subscription. It lies inside the subscriber, so that what the delivery
/// of an event touches lies side by side; further ones are allocated.
class Subscriber : public Matchable, public Link<Subscriber, Scheduler> {
public:
    explicit Subscriber(Scheduler& scheduler) noexcept : scheduler_(&scheduler), inside_(*this) {}
    Subscriber(const Subscriber&) = delete;
    Subscriber& operator=(const Subscriber&) = delete;

    Scheduler& scheduler() const noexcept { return *scheduler_; }

    /// Returns whether the scheduler may end although this still receives events. It ends when only
    /// daemons are left.
    bool daemon() const noexcept { return daemon_; }
    void set_daemon(bool daemon) noexcept;

    const List<Subscription, Subscriber>& subscriptions() const noexcept { return subscriptions_; }

    /// Returns the memory outside of this object that the next event will touch, for prefetching;
    /// null if there is none.
    virtual const void* frame() const noexcept { return nullptr; }

protected:
    friend class Scheduler;
    ~Subscriber() = default;

    /// Receives an event that the subscription matches.
    virtual void matched(const Ref<Event>& event, Subscription& subscription) noexcept = 0;
    /// Called when the scheduler quits: the subscriber may clean up, and go on receiving meanwhile.
    virtual void quit() noexcept = 0;
    /// Called when the scheduler ends: the subscriber has to delist itself.
    virtual void close_at_end() noexcept = 0;

    /// Returns whether there is one subscription, and it is of this matcher.
    bool only_subscribes(const Matcher& matcher) const noexcept {
        return inside_.matcher == matcher && inside_.inserted() && subscriptions_.is_only(inside_);
    }

private:
    Scheduler* scheduler_;
    Subscription inside_;  // in use while it is inserted

protected:
    List<Subscription, Subscriber> subscriptions_;

private:
    bool registered_ = false;
    bool daemon_ = false;
};

inline Subscription::Subscription(Subscriber& subscriber) noexcept : Entry(subscriber) {}

inline Subscriber& Subscription::subscriber() const noexcept {
    return static_cast<Subscriber&>(*object());
}

}  // namespace weir
