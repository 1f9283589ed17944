#pragma once

#include <map>

#include "core/queue/fair_queue.h"

namespace weir::conformance {

/// The order in which CPython iterates over a set of small integers, given the history of additions
/// and removals. The recorded runs show this order where the original unblocks all classes of a
/// queue.
class IntegerSetOrder {
public:
    void add(std::int64_t key);
    void remove(std::int64_t key);
    void clear();
    std::vector<std::int64_t> keys() const;

private:
    enum class Use : std::uint8_t { free, removed, used };
    struct Slot {
        Use use = Use::free;
        std::int64_t key = 0;
    };

    // Calls visit(slot) for the slots where the key may be, until it returns true.
    template <class Visit>
    void probe(std::int64_t key, Visit visit);
    void rebuild();

    std::vector<Slot> slots_ = std::vector<Slot>(8);
    std::size_t filled_ = 0;  // used or removed
    std::size_t used_ = 0;
};

// A FairQueue that unblocks its classes, all at once, in the order of the original. There the
// order has no meaning; a FairQueue unblocks in the order in which they were blocked.
class SetOrderQueue final : public FairQueue {
public:
    using FairQueue::FairQueue;
    static LeafQueueFactory factory(FairQueueOptions options);

private:
    void put_back(Event& event) override;
    void release_block(Event& event) override;
    void drop_all(QueueSignals& signals) override;
    void unblock_all() override;

    IntegerSetOrder order_;
    std::map<std::int64_t, Event*> blocked_;
};

}  // namespace weir::conformance
