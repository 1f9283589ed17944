#include "modules/lock/queue.h"

#include <algorithm>
#include <stdexcept>

#include "modules/lock/events.h"
#include "modules/lock/table.h"

namespace weir {

LockQueue::LockQueue(LockTable& table)
    : LeafQueue(unlimited), Keeper(event_type<LockEvent>()), table_(&table) {
    table.scheduler().blocked_events().add(*this);
}

LockQueue::~LockQueue() {
    while (!blocked_seats_.empty()) {
        vacate(blocked_seats_.front());
    }
    while (!blocked_events_.empty()) {
        make_ready(blocked_events_.front());
    }
    while (!turns_.empty()) {
        const Ref<LockKey> key(turns_.next());
        drop_events(*key);
    }
    while (turns_.remembered() != 0) {
        forget_turn(*turns_.pop_oldest());
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

// What a sender waits for that finds no place.
Matcher LockQueue::refuse(LockKey& key) {
    key.waited_ = true;
    return can_write(key);
}

Matcher LockQueue::add(Event& event, bool force) {
    auto& lock = event.as<LockEvent>();
    LockKey& key = table_->resolve(*lock.state);
    if (!force) {
        if (!key.has_place() || (lock.state->event != &lock && lock.state->in_queue())) {
            key.others_wait_ = true;
            if (key.waiting_ != 0 && !key.subscribed()) {
                key.subscribe(can_write(key));  // before the sender does
            }
            return refuse(key);
        }
        if (Matcher wait = wait_above()) {
            return wait;
        }
    }
    if (key.seated_ != 0) {
        show_all();
    }
    hold(event);
    lock.place = Ref<LockKey>(&key);
    ++key.events_;
    ++size_;
    make_ready(event);
    set_can_pop(!turns_.empty());
    return {};
}

void LockQueue::make_ready(Event& event) {
    LockKey& key = *event.as<LockEvent>().place;
    key.ready_.push_back(event);
    activate(key);
}

void LockQueue::activate(LockKey& key) {
    if (!key.in_ring()) {
        turns_.add(key);
    }
}

// The turns that are remembered keep their key: one reference for all of its turns.
void LockQueue::count_served(LockKey& key) {
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
    while (!key.seats_.empty()) {
        vacate(key.seats_.front());
    }
    if (key.served() == 0) {
        turns_.drop_share(key);
    }
}

Ref<Event> LockQueue::take(QueueSignals& signals) {
    turns_.make_room();
    if (!turns_.next()->seats_.empty() && table_->scheduler().notices(event_type<LockEvent>())) {
        show_all();
    }
    LockKey& key = turns_.take_turn();
    const Ref<LockKey> keep(&key);
    Ref<Event> event;
    if (!key.ready_.empty()) {
        --key.events_;
        try {
            signal_place(key, signals);
        } catch (...) {
            ++key.events_;  // without memory for the signal the event stays
            key.waited_ = true;
            throw;
        }
        event = let_go(key.ready_.pop_front());
        --size_;
        count_served(key);
    } else {
        count_served(key);
        take_seat(key, signals);
    }
    if (key.ready_.empty() && key.seats_.empty()) {
        turns_.remove(key);
    }
    can_pop_ = !turns_.empty();
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
    if (key.has_place() && key.waiting_ != 0 && !key.subscribed()) {
        // The key would be the first to hear the signal, or the only one.
        if (table_->scheduler().traced()) {
            key.subscribe(can_write(key));
        } else {
            key.serve();
        }
    }
    if (key.has_place()) {
        return true;
    }
    key.waited_ = true;
    return false;
}

void LockQueue::put_back(Event& event) {
    auto& lock = event.as<LockEvent>();
    hold(event);
    ++lock.place->events_;
    lock.state->arrival = table_->scheduler().blocked_events().last_arrival();
    blocked_events_.push_back(event);
    ++size_;
    set_can_pop(!turns_.empty());
}

void LockQueue::release_block(Event& event) {
    make_ready(event);
    set_can_pop(!turns_.empty());
}

void LockQueue::unblock_all() {
    show_all();
    while (!blocked_events_.empty()) {
        make_ready(blocked_events_.front());
    }
    set_can_pop(!turns_.empty());
}

void LockQueue::drop_all(QueueSignals& signals) {
    unblock_all();
    while (!turns_.empty()) {
        const Ref<LockKey> key(turns_.next());
        drop_events(*key);
        signal_place(*key, signals);
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
    for (Event& event : blocked_events_) {
        events.push_back(&event);
    }
    for (Event* event : events) {
        visit(*event);
    }
}

// --- seats

Matcher LockQueue::seat(LockState& state, LockKey& key) {
    if (!key.has_place() || state.in_queue()) {
        return refuse(key);
    }
    if (Matcher wait = wait_above()) {
        return wait;
    }
    count_above(1);
    ++size_;
    ++key.events_;
    ++key.seated_;
    ++seated_;
    state.retain();
    state.seated_in = this;
    key.seats_.push_back(state);
    activate(key);
    set_can_pop(true);
    return {};
}

void LockQueue::leave_seat(LockState& state) {
    if (state.seat_blocks) {
        state.seat_blocks = false;
        --kept_;
        state.place->seats_.push_back(state);
        activate(*state.place);
        set_can_pop(true);
    }
}

// As if an event had left and nobody had received it: it blocks the queue, or has left it.
void LockQueue::take_seat(LockKey& key, QueueSignals& signals) {
    LockState& state = key.seats_.front();
    if (!state.locked) {
        --size_;
        vacate(state);
        signal_place(key, signals);
        return;
    }
    count_above(1);  // what is above counts it out
    state.arrival = table_->scheduler().blocked_events().arrive();
    state.seat_blocks = true;
    ++kept_;
    blocked_seats_.push_back(state);
    if (key.has_place()) {
        signal_place(key, signals);
    }
}

void LockQueue::vacate(LockState& state) noexcept {
    LockKey& key = *state.place;
    --key.events_;
    --key.seated_;
    --seated_;
    kept_ -= state.seat_blocks ? 1U : 0U;
    state.seat_blocks = false;
    state.seated_in = nullptr;
    List<LockState, LockQueue>::remove(state);
    state.release();
}

// Those that may leave, then those that block, in their order.
std::vector<LockState*> LockQueue::seats() const {
    std::vector<LockState*> all;
    all.reserve(seated_);
    turns_.for_each_ready([&](const LockKey& key) {
        for (LockState& state : key.seats_) {
            all.push_back(&state);
        }
    });
    for (LockState& state : blocked_seats_) {
        all.push_back(&state);
    }
    return all;
}

void LockQueue::show_all() {
    show(table_->scheduler().blocked_events());
}

void LockQueue::show(BlockedEvents& tree) {
    if (seated_ == 0) {
        return;
    }
    const std::vector<LockState*> states = seats();
    std::vector<Ref<LockEvent>> events;
    events.reserve(states.size());
    for (LockState* state : states) {
        const LockState* const locker = state;
        events.push_back(make_event<LockEvent>(state->context->value(), state->key, locker,
                                               Ref<LockState>(state), state->place));
    }
    Event* behind = blocked_events_.empty() ? nullptr : &blocked_events_.front();
    for (std::size_t i = 0; i != states.size(); ++i) {
        LockState& state = *states[i];
        LockEvent& event = *events[i];
        const bool blocks = state.seat_blocks;
        if (blocks) {
            tree.insert(event, state.arrival);
        }
        LockKey& key = *state.place;
        vacate(state);
        ++key.events_;
        state.event = &event;
        hold_counted(event);
        if (!blocks) {
            key.ready_.push_back(event);
            continue;
        }
        set_blocked(event);
        while (behind != nullptr && behind->as<LockEvent>().state->arrival < state.arrival) {
            behind = blocked_events_.next(*behind);
        }
        if (behind != nullptr) {
            List<Event>::insert_before(*behind, event);
        } else {
            blocked_events_.push_back(event);
        }
    }
}

}  // namespace weir
