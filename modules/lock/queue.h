#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "core/event/blocked_events.h"
#include "core/queue/fair_turns.h"
#include "core/queue/leaf_queue.h"
#include "modules/lock/key.h"

namespace weir {

// The queue of LockEvents. It takes as many events of a key as locks may hold the key at a time,
// one of each Lock; each blocks by itself, so that locks are given back in any order. Keys take
// turns as in FairQueue.
//
// Most of these events are never observed: they leave the queue in their turn, block it, and are
// destroyed when the lock is given back. So a lock takes a seat in place of an event: its state
// goes the same way, in the same turns, without an allocation. As soon as an observer could see the
// difference - it visits the events of the queue or the blocked ones, waits for such events, or
// traces them - all seats become the events that they stand for.
class LockQueue final : public LeafQueue, private BlockedEvents::Keeper {
public:
    static constexpr std::string_view kind_name = "lock";

    explicit LockQueue(LockTable& table);
    ~LockQueue() override;

    LockTable& table() const noexcept { return *table_; }

    std::string_view kind() const noexcept override { return kind_name; }
    std::size_t size() const noexcept override { return size_; }
    std::optional<bool> has_place(const QueueCanWriteEvent& signal) override;
    void for_each(const std::function<void(Event&)>& visit) const override;

    // As append, for a lock in place of its event. Requires that the scheduler is not traced, and
    // that the key has seats only, no events.
    Matcher seat(LockState& state, LockKey& key);
    // To be called when the lock has been given back: its seat leaves in its turn.
    void leave_seat(LockState& state);
    // Replaces all seats by events.
    void show_all() override;

private:
    Matcher add(Event& event, bool force) override;
    void put_back(Event& event) override;
    void release_block(Event& event) override;
    Ref<Event> take(QueueSignals& signals) override;
    void drop_all(QueueSignals& signals) override;
    void unblock_all() override;

    void show(BlockedEvents& tree) override;
    std::vector<LockState*> seats() const;
    void take_seat(LockKey& key, QueueSignals& signals);
    void vacate(LockState& state) noexcept;
    Matcher refuse(LockKey& key);
    void make_ready(Event& event);
    void activate(LockKey& key);
    void signal_place(LockKey& key, QueueSignals& signals);
    void count_served(LockKey& key);
    void forget_turn(LockKey& key) noexcept;
    void drop_events(LockKey& key) noexcept;
    const Matcher& can_write(LockKey& key);

    // The longest history of grants; their keys are kept for it.
    static constexpr std::size_t max_history = 1024;

    const Ref<LockTable> table_;
    FairTurns<LockKey> turns_;                  // of the keys with events that may leave
    List<Event> blocked_events_;                // in order of blocking
    List<LockState, LockQueue> blocked_seats_;  // the same
    std::size_t size_ = 0;
    std::size_t seated_ = 0;  // of these, seats
};

}  // namespace weir
