#pragma once

#include <vector>

#include "core/base/list.h"
#include "core/event/event_key.h"
#include "core/queue/queue.h"

namespace weir {

/// A queue whose events leave by rank, the value of an index or member: the smallest rank first,
/// equal ranks first in, first out. Events without a rank come after all that have one, in order.
///
/// A blocked event holds back the events behind it; one of a smaller rank overtakes it.
class PriorityQueue final : public LeafQueue {
public:
    PriorityQueue(std::size_t max_size, EventKey key) noexcept
        : LeafQueue(max_size), key_(std::move(key)) {}
    ~PriorityQueue() override;

    std::string_view kind() const noexcept override { return "priority"; }
    std::size_t size() const noexcept override { return heap_.size() + plain_size_; }
    std::optional<bool> has_place(const QueueCanWriteEvent& signal) override;
    void for_each(const std::function<void(Event&)>& visit) const override;

    /// Returns a factory of such queues, for QueueOptions::kind. `key` gives the rank.
    static LeafQueueFactory factory(EventKey key = EventKey::named("priority"));

private:
    struct Ranked {
        IndexValue rank;
        std::int64_t order;  // among equals
        Event* event;
    };
    static bool after(const Ranked& a, const Ranked& b) noexcept;

    Matcher add(Event& event, bool force) override;
    void put_back(Event& event) override;
    void release_block(Event& event) override;
    void remove(Event& event, QueueSignals& signals) override;
    Ref<Event> take(QueueSignals& signals) override;
    void drop_all(QueueSignals& signals) override;
    void unblock_all() override;

    void make_room();
    void push(const IndexValue& rank, std::int64_t order, Event& event) noexcept;
    // Returns whether there is an event, and the first does not block.
    bool front_may_leave() const noexcept;
    void signal_place(QueueSignals& signals);

    const EventKey key_;
    std::vector<Ranked> heap_;
    List<Event> plain_;  // events without the key
    std::size_t plain_size_ = 0;
    std::int64_t last_order_ = 0;
    std::int64_t first_order_ = 0;  // of those put back
    bool waited_ = false;
};

}  // namespace weir
