#include "core/queue/queue_plan.h"

#include <algorithm>
#include <cassert>

#include "core/queue/queue.h"

namespace weir {

// Room grows by half at least, so that very many additions copy each slot a few times only.
void QueuePlan::make_room(std::size_t slots) {
    stale_ = true;
    if (slots > slots_.capacity()) {
        slots_.reserve(std::max(slots, slots_.capacity() + slots_.capacity() / 2));
    }
    ready_.reserve(slots_.capacity());
    room_ = slots;
}

void QueuePlan::compile() noexcept {
    slots_.clear();
    ready_.clear();
    of_root_ = queue_.parent() == nullptr;
    lay_out(queue_);
    stale_ = false;
}

std::size_t QueuePlan::add(Slot slot, bool ready) noexcept {
    assert(slots_.size() < slots_.capacity());
    slots_.push_back(slot);
    set(slots_.size() - 1, ready);
    return slots_.size() - 1;
}

// Recursion is bounded by the depth of the configuration.
void QueuePlan::lay_out(Queue& queue) noexcept {
    queue.plan_ = this;
    queue.first_slot_ = slots_.size();
    for (RoundRobin& turns : queue.by_priority_) {
        if (turns.shared()) {
            turns.plan_ = this;
            turns.slot_ = add({nullptr, &turns}, turns.can_pop());
        } else if (QueueMember* const member = turns.only_member()) {
            if (LeafQueue* const leaf = member->as_leaf()) {
                leaf->plan_ = this;
                leaf->slot_ = add({leaf, nullptr}, leaf->can_pop());
            } else {
                lay_out(static_cast<Queue&>(*member));
            }
        }
    }
    queue.end_slot_ = slots_.size();
}

Ref<Event> QueuePlan::take_turn(std::size_t slot, QueueSignals& signals) {
    RoundRobin& turns = *slots_[slot].turns;
    Ref<Event> event = turns.take(signals);
    if (!turns.can_pop()) {
        ready_.erase(slot);
    }
    return event;
}

}  // namespace weir
