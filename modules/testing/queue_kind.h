#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "core/base/ref.h"
#include "core/event/event.h"
#include "core/queue/leaf_queue.h"

namespace weir {

/// An event for check_queue_kind(), with an index and a member by which kinds of queues tell events
/// apart.
struct ProbeEvent : Event {
    Index<std::uint64_t> number;  ///< 0, 1, 2, ... in the order in which the events are made
    Index<std::uint64_t> key;     ///< one of three
    std::int64_t priority = 0;    ///< one of four

    static auto declare() {
        return declare_event<ProbeEvent>("weir.ProbeEvent")
            .index("number", &ProbeEvent::number)
            .index("key", &ProbeEvent::key)
            .member<&ProbeEvent::priority>("priority")
            .blocking();
    }
};

struct QueueKindOptions {
    std::size_t seeds = 50;        ///< runs, each with other random numbers
    std::size_t operations = 400;  ///< of each run
    /// A blocked event lets no other leave, and leaves first when it is unblocked. False: it holds
    /// back some only, as in a FairQueue its class, and in a PriorityQueue what comes after it.
    bool block_stops_all = true;
    /// A sender that waits is woken at the latest when the queue is empty. False: that is not
    /// checked.
    bool wakes_senders = true;
};

/// Checks that a kind of queue keeps every promise of LeafQueue: does random operations on queues
/// of the kind, sends with and without force, pops, blocks, withdraws, clears, and compares with a
/// model.
/// Returns the first promise that is broken, with the seed, the number of the operation, and what
/// it was; "" if none is:
///
///     CHECK(weir::check_queue_kind(weir::FifoQueue::factory()) == "");
///
/// Promises: an event that a queue takes leaves once, and none is lost, dropped or kept; limits
/// hold, the queue's own and those above it, and none holds back an event that is sent with force;
/// an empty queue takes an event; size(), can_pop() and for_each() say what is there; the queues
/// above learn that an event may leave; an event that is put back blocks until it is unblocked, and
/// then leaves; an event that is withdrawn is out, whether it blocks or not; a sender that waits
/// learns that there is a slot; clear() drops all and wakes the
/// senders. In which order events leave is the kind's own, and not checked.
std::string check_queue_kind(const LeafQueueFactory& factory, QueueKindOptions options = {});

}  // namespace weir
