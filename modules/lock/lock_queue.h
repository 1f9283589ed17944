#pragma once

#include "core/history.h"
#include "core/leaf_queue.h"
#include "core/ring.h"
#include "modules/lock/lock_key.h"

namespace weir {

// The kind of queue that locks are made of. Takes as many LockEvents of a key as may hold it at a
// time, one of each Lock; each blocks for itself, so that any of them can be given back. Keys take
// turns as in AutoQueue.
class LockQueue final : public LeafQueue {
public:
    static constexpr std::string_view kind_name = "lock";

    explicit LockQueue(LockTable& table);
    ~LockQueue() override;

    LockTable& table() const noexcept { return *table_; }

    std::string_view kind() const noexcept override { return kind_name; }
    std::size_t size() const noexcept override { return size_; }
    std::optional<bool> has_place(const QueueCanWriteEvent& signal) override;
    void for_each(const std::function<void(Event&)>& visit) const override;

private:
    Matcher add(Event& event, bool force) override;
    void put_back(Event& event) override;
    void release_block(Event& event) override;
    Ref<Event> take(QueueSignals& signals) override;
    void drop_all(QueueSignals& signals) override;
    void unblock_all() override;

    void make_ready(Event& event);
    void signal_place(LockKey& key, QueueSignals& signals);
    void count_served(LockKey& key);
    void forget_oldest() noexcept;
    void leave_history(LockKey& key) noexcept;
    void drop_events(LockKey& key) noexcept;
    const Matcher& can_write(LockKey& key);

    // As many grants are remembered, and their keys kept, at most.
    static constexpr std::size_t max_history = 1024;

    const Ref<LockTable> table_;
    Ring<LockKey> ready_;  // keys with events that may leave
    List<Event> blocked_events_;
    History<LockKey*> lately_;  // who was served; refers to each key once
    std::size_t in_history_ = 0;
    std::size_t size_ = 0;
};

}  // namespace weir
