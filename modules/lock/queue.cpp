#include "modules/lock/queue.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/run/scheduler.h"
#include "modules/lock/events.h"

namespace weir {

LockQueue::~LockQueue() {
    while (!blocked_.empty()) {
        make_ready(blocked_.front());
    }
    while (!turns_.empty()) {
        const Ref<LockKey> key(turns_.next());
        drop_events(*key);
    }
    while (turns_.remembered() != 0) {
        forget_turn(*turns_.pop_oldest());
    }
    home_->queue_is_gone(*this);
}

const Matcher& LockQueue::can_write(LockKey& key) {
    const auto limit = static_cast<Limited*>(this);
    // A key may move to another queue with its semaphore.
    if (!key.can_write_ || key.can_write_.path()[1] != IndexValue(limit)) {
        const LockKey* const identity = &key;
        key.can_write_ = match<LockCanWriteEvent>(limit, identity).make();
    }
    return key.can_write_;
}

const Matcher& LockQueue::refuse(LockKey& key) {
    key.waited_ = true;
    return can_write(key);
}

inline void LockQueue::make_ready(Event& event) {
    LockKey& key = *event.as<LockEvent>().place;
    key.ready_.push_back(event);
    if (!key.in_ring()) {
        turns_.add(key);
    }
}

Matcher LockQueue::add(Event& event, bool force) {
    auto& lock = event.as<LockEvent>();
    if (!lock.asking) {
        lock.place = Ref<LockKey>(&home_->key_of(lock));
    }
    LockKey& key = *lock.place;
    if (!force) {
        if (!key.has_place_for(lock.reads)) {
            if (!lock.asking) {
                key.others_wait_ = true;
                if (key.waiting_ != 0 && !key.subscribed()) {
                    key.subscribe(can_write(key));  // before the sender does
                }
            }
            return refuse(key);
        }
        if (Matcher wait = wait_above()) {
            return wait;
        }
    }
    hold(event);
    ++key.events_;
    ++size_;
    make_ready(event);
    set_can_pop(true);
    return {};
}

// The turns that are remembered keep their key: one reference for all of its turns.
inline void LockQueue::count_served(LockKey& key) {
    if (key.served() == 0) {
        key.retain();
    }
    turns_.served(
        key, [this] { return std::min(max_history, 10 * turns_.shares() + 10); },
        [this](LockKey* oldest) { forget_turn(*oldest); });
}

void LockQueue::forget_turn(LockKey& key) noexcept {
    if (FairTurns<LockKey>::forget_turn(key)) {
        turns_.drop_share(key);
        key.release();
    }
}

// Drops the events of a key, which must be kept alive, and takes it out of the ring.
void LockQueue::drop_events(LockKey& key) noexcept {
    turns_.remove(key);
    while (!key.ready_.empty()) {
        --key.events_;
        drop(key.ready_.pop_front());
    }
    if (key.served() == 0) {
        turns_.drop_share(key);
    }
}

// Whether only waiters for locks wait for the key: they need no signal. While another sender could
// observe the difference, they wait for the same signal as that sender.
bool LockQueue::serves(const LockKey& key) const noexcept {
    return !key.others_wait_ && !key.subscribed() && to_serve_ == nullptr &&
           !home_->scheduler().notices(event_type<LockCanWriteEvent>());
}

// `events`: how many events of the key are left.
[[gnu::always_inline]] inline void LockQueue::signal_place(LockKey& key, std::size_t events,
                                                           QueueSignals& signals) {
    // A Lock that was given back and wants the same key again waits for its own event to leave,
    // even if there are places.
    if (!key.waited_) {
        return;
    }
    if (key.reading_ == 0 || !key.next_may_join()) [[likely]] {
        if (events >= key.size_) {
            return;
        }
        if (key.holding_ >= key.size_ && !key.others_wait_ && !key.subscribed()) {
            return;  // the event that leaves now is that of a holder: it will block the queue
        }
    }
    if (serves(key)) {
        to_serve_ = Ref<LockKey>(&key);
        signals.serving.push_back(*this);
    } else {
        signals.can_write.push_back(can_write_signal(key));
    }
    key.waited_ = false;
}

Ref<QueueCanWriteEvent> LockQueue::can_write_signal(LockKey& key) {
    const LockKey* const identity = &key;
    return make_event<LockCanWriteEvent>(static_cast<Limited*>(this), owner(), identity,
                                         Ref<LockKey>(&key));
}

Ref<Event> LockQueue::take(QueueSignals& signals) {
    turns_.make_room();
    LockKey& key = turns_.take_turn();
    signal_place(key, key.events_ - 1, signals);  // without memory for it the event stays
    --key.events_;
    Ref<Event> event = let_go(key.ready_.pop_front());
    --size_;
    count_served(key);
    if (key.ready_.empty()) {
        turns_.remove(key);
    }
    can_pop_ = !turns_.empty();
    return event;
}

void LockQueue::serve_waiters() {
    if (const Ref<LockKey> key = std::move(to_serve_)) {
        home_->serve(*key);
    }
}

std::optional<bool> LockQueue::has_place(const QueueCanWriteEvent& signal) {
    LockKey& key = *signal.as<LockCanWriteEvent>().place;
    const auto has_place = [&key] {
        return key.has_place() || (key.reading_ != 0 && key.next_may_join());
    };
    if (has_place() && key.waiting_ != 0 && !key.subscribed()) {
        // The key would be the first to hear the signal, or the only one.
        if (home_->scheduler().traced()) {
            key.subscribe(can_write(key));
        } else {
            home_->serve(key);
        }
    }
    if (has_place()) {
        return true;
    }
    key.waited_ = true;
    return false;
}

void LockQueue::put_back(Event& event) {
    hold(event);
    ++event.as<LockEvent>().place->events_;
    blocked_.push_back(event);
    ++size_;
}

void LockQueue::release_block(Event& event) {
    make_ready(event);
    set_can_pop(true);
}

void LockQueue::remove(Event& event, QueueSignals& signals) {
    const Ref<LockKey> key = event.as<LockEvent>().place;
    List<Event>::remove(event);
    --key->events_;
    --size_;
    if (key->ready_.empty() && key->in_ring()) {
        turns_.remove(*key);
        if (key->served() == 0) {
            turns_.drop_share(*key);
        }
    }
    set_can_pop(!turns_.empty());
    signal_place(*key, key->events_, signals);
}

void LockQueue::unblock_all() {
    while (!blocked_.empty()) {
        make_ready(blocked_.front());
    }
    set_can_pop(!turns_.empty());
}

void LockQueue::drop_all(QueueSignals& signals) {
    unblock_all();
    while (!turns_.empty()) {
        const Ref<LockKey> key(turns_.next());
        drop_events(*key);
        signal_place(*key, key->events_, signals);
    }
    size_ = 0;
    can_pop_ = false;
}

// A visit may change the queue.
void LockQueue::for_each(const std::function<void(Event&)>& visit) const {
    std::vector<Event*> events;
    events.reserve(size_);
    turns_.for_each_ready([&](LockKey& key) {
        for (Event& event : key.ready_) {
            events.push_back(&event);
        }
    });
    for (Event& event : blocked_) {
        events.push_back(&event);
    }
    for (Event* event : events) {
        visit(*event);
    }
}

}  // namespace weir
