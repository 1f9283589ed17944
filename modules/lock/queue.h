#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string_view>

#include "core/queue/fair_turns.h"
#include "core/queue/leaf_queue.h"
#include "modules/lock/home.h"
#include "modules/lock/key.h"

namespace weir {

// The queue of LockEvents. It takes as many events of a key as locks may hold the key at a time;
// each blocks by itself, so that locks are given back in any order. Keys take turns as in
// FairQueue.
class LockQueue final : public LeafQueue {
public:
    static constexpr std::string_view kind_name = "lock";

    explicit LockQueue(LockHome& home) : LeafQueue(unlimited), home_(&home) {}
    ~LockQueue() override;

    LockHome& home() const noexcept { return *home_; }

    std::string_view kind() const noexcept override { return kind_name; }
    std::size_t size() const noexcept override { return size_; }
    std::optional<bool> has_place(const QueueCanWriteEvent& signal) override;
    void for_each(const std::function<void(Event&)>& visit) const override;
    void serve_waiters() override;

    // Returns the matcher of the signal that the key has a free slot, for which a waiter waits from
    // now on.
    const Matcher& refuse(LockKey& key);

private:
    Matcher add(Event& event, bool force) override;
    void put_back(Event& event) override;
    void release_block(Event& event) override;
    void remove(Event& event, QueueSignals& signals) override;
    Ref<Event> take(QueueSignals& signals) override;
    void drop_all(QueueSignals& signals) override;
    void unblock_all() override;

    void make_ready(Event& event);
    bool serves(const LockKey& key) const noexcept;
    void signal_place(LockKey& key, std::size_t events, QueueSignals& signals);
    [[gnu::noinline]] Ref<QueueCanWriteEvent> can_write_signal(LockKey& key);
    void count_served(LockKey& key);
    void forget_turn(LockKey& key) noexcept;
    void drop_events(LockKey& key) noexcept;
    const Matcher& can_write(LockKey& key);

    // The longest history of grants; their keys are kept for it.
    static constexpr std::size_t max_history = 1024;

    const Ref<LockHome> home_;
    FairTurns<LockKey> turns_;  // of the keys with events that may leave
    List<Event> blocked_;       // in order of blocking
    std::size_t size_ = 0;
    Ref<LockKey> to_serve_;  // its waiters, by serve_waiters()
};

}  // namespace weir
