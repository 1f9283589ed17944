#include "modules/lock/lock_queue.h"

#include <algorithm>
#include <stdexcept>

#include "modules/lock/lock_events.h"
#include "modules/lock/lock_table.h"

namespace weir {

LockQueue::LockQueue(LockTable& table) : LeafQueue(unlimited), table_(&table) {}

LockQueue::~LockQueue() {
    while (!blocked_events_.empty()) {
        make_ready(blocked_events_.front());
    }
    while (!ready_.empty()) {
        const Ref<LockKey> key(ready_.current());
        drop_events(*key);
    }
    while (lately_.size() != 0) {
        forget_oldest();
    }
    table_->queue_is_gone(*this);
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

Matcher LockQueue::add(Event& event, bool force) {
    auto& lock = event.as<LockEvent>();
    LockKey& key = table_->resolve(*lock.state);
    if (!force) {
        const LockEvent* const before = lock.state->event;
        if (!key.has_place() || (before != nullptr && before != &lock && before->queued())) {
            key.waited_ = true;
            return can_write(key);
        }
    }
    if (!force) {
        if (Matcher wait = wait_above()) {
            return wait;
        }
    }
    hold(event);
    lock.place = Ref<LockKey>(&key);
    ++key.events_;
    ++size_;
    make_ready(event);
    set_can_pop(!ready_.empty());
    return {};
}

// A key that has had less than its share of the history is served next, others last.
void LockQueue::make_ready(Event& event) {
    LockKey& key = *event.as<LockEvent>().place;
    key.ready_.push_back(event);
    if (key.in_ring()) {
        return;
    }
    if (!key.in_history_) {
        // Counted from now on, in the history from the first time that it is served.
        key.in_history_ = true;
        ++in_history_;
    }
    if (key.served_ * in_history_ >= lately_.size()) {
        ready_.insert_last(key);
    } else {
        ready_.insert_next(key);
    }
}

void LockQueue::count_served(LockKey& key) {
    if (key.served_++ == 0) {
        key.retain();
    }
    while (lately_.size() >= std::min(max_history, 10 * in_history_ + 10)) {
        forget_oldest();
    }
    lately_.push_back(&key);
}

void LockQueue::forget_oldest() noexcept {
    LockKey& oldest = *lately_.pop_front();
    if (--oldest.served_ == 0) {
        leave_history(oldest);
        oldest.release();
    }
}

void LockQueue::leave_history(LockKey& key) noexcept {
    if (key.in_history_) {
        key.in_history_ = false;
        --in_history_;
    }
}

// Drops the events of a key, which must be kept alive, and takes it out of the ring.
void LockQueue::drop_events(LockKey& key) noexcept {
    ready_.remove(key);
    while (!key.ready_.empty()) {
        --key.events_;
        drop(key.ready_.pop_front());
    }
    if (key.served_ == 0) {
        leave_history(key);
    }
}

Ref<Event> LockQueue::take(QueueSignals& signals) {
    lately_.make_room();
    LockKey& key = ready_.take_turn();
    const Ref<LockKey> keep(&key);
    Ref<Event> event = let_go(key.ready_.pop_front());
    --key.events_;
    --size_;
    count_served(key);
    if (key.ready_.empty()) {
        ready_.remove(key);
    }
    can_pop_ = !ready_.empty();
    signal_place(key, signals);
    return event;
}

void LockQueue::signal_place(LockKey& key, QueueSignals& signals) {
    // A Lock that was given back and wants the same key again waits for its own event to leave,
    // even if there are places.
    if (key.waited_ && key.events_ < key.size_) {
        key.waited_ = false;
        const LockKey* const identity = &key;
        signals.can_write.push_back(make_event<LockCanWriteEvent>(
            static_cast<Limited*>(this), owner(), identity, Ref<LockKey>(&key)));
    }
}

std::optional<bool> LockQueue::has_place(const QueueCanWriteEvent& signal) {
    LockKey& key = *signal.as<LockCanWriteEvent>().place;
    if (key.has_place()) {
        return true;
    }
    key.waited_ = true;
    return false;
}

void LockQueue::put_back(Event& event) {
    hold(event);
    ++event.as<LockEvent>().place->events_;
    blocked_events_.push_back(event);
    ++size_;
    set_can_pop(!ready_.empty());
}

void LockQueue::release_block(Event& event) {
    make_ready(event);
    set_can_pop(!ready_.empty());
}

void LockQueue::unblock_all() {
    while (!blocked_events_.empty()) {
        make_ready(blocked_events_.front());
    }
    set_can_pop(!ready_.empty());
}

void LockQueue::drop_all(QueueSignals& signals) {
    unblock_all();
    while (!ready_.empty()) {
        const Ref<LockKey> key(ready_.current());
        drop_events(*key);
        signal_place(*key, signals);
    }
    size_ = 0;
    can_pop_ = false;
}

void LockQueue::for_each(const std::function<void(Event&)>& visit) const {
    Ring<LockKey>& ready = const_cast<Ring<LockKey>&>(ready_);
    if (LockKey* const first = ready.current()) {
        do {
            for (Event& event : ready.take_turn().ready_) {
                visit(event);
            }
        } while (ready.current() != first);
    }
    for (Event& event : blocked_events_) {
        visit(event);
    }
}

}  // namespace weir
