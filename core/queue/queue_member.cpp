#include "core/queue/queue_member.h"

#include <algorithm>
#include <cassert>
#include <new>
#include <utility>

#include "core/queue/queue.h"
#include "core/queue/queue_plan.h"

namespace weir {

// A member that was removed may still be in the history, and may belong to another queue or
// priority by now: such turns count for nothing.
void RoundRobin::count_served(QueueMember& member) {
    turns_.served(
        member, [this] { return most_remembered(); },
        [this](QueueMember* oldest) {
            if (oldest != nullptr && oldest->turns_ == this && oldest->has_share()) {
                FairTurns<QueueMember>::forget_turn(*oldest);  // a member keeps its share
            }
        });
}

// Counts the turns of the only member, as if each had been counted when it was served. Older ones
// than are remembered would have left the history.
void RoundRobin::settle() noexcept {
    QueueMember* const member = only_member();
    if (shared_ || member == nullptr) {
        return;
    }
    if (member->can_pop()) {
        turns_.add_share(*member);
    }
    const std::uint64_t turns = member->popped() - std::exchange(settled_, member->popped());
    try {
        for (std::uint64_t i = 0; i != std::min<std::uint64_t>(turns, most_remembered()); ++i) {
            count_served(*member);
        }
    } catch (const std::bad_alloc&) {
        // Without make_room(). Forgotten turns only change who comes first, once.
    }
}

void RoundRobin::make_room(std::size_t members) {
    if (members_.capacity() - members_.size() < members) {
        members_.reserve(members_.size() * 2 + members);
    }
    if (!shared_ && members_.size() + members > 1) {
        turns_.make_room(20);  // all turns of an only member that settle() counts
        if (QueueMember* const member = only_member()) {
            member->prepare_plan();
        }
    }
}

void RoundRobin::add(QueueMember& member) noexcept {
    assert(members_.size() < members_.capacity());
    if (QueueMember* const first = shared_ ? nullptr : only_member()) {
        settle();
        shared_ = true;
        first->begin_plan();
        if (first->can_pop()) {
            turns_.add_last(*first);
        }
    }
    members_.push_back(&member);
    member.turns_ = this;
    settled_ = member.popped();
    if (shared_) {
        member.begin_plan();
    }
    if (member.can_pop()) {
        turns_.add_share(member);
        if (shared_) {
            turns_.add_last(member);
        }
    }
}

void RoundRobin::remove(QueueMember& member) noexcept {
    assert(member.turns_ == this);
    settle();
    std::erase(members_, &member);
    turns_.remove(member);
    turns_.drop_share(member);
}

// Room is made first: once the event is out, nothing may fail.
Ref<Event> RoundRobin::take(QueueSignals& signals) {
    turns_.make_room();
    QueueMember& member = turns_.take_turn();
    Ref<Event> event = member.serve(signals);
    count_served(member);
    if (!member.can_pop()) {
        turns_.remove(member);
    }
    return event;
}

void RoundRobin::leaves_out_of_turn(QueueMember& member) noexcept {
    turns_.add_share(member);
    ++settled_;
}

void RoundRobin::drop_all(QueueSignals& signals) {
    for (QueueMember* member : members_) {
        if (member->can_pop()) {
            turns_.add_share(*member);
        }
        member->drop_all(signals);
    }
    turns_.remove_all();
}

void RoundRobin::unblock_all() {
    for (QueueMember* member : members_) {
        member->unblock_all();
    }
}

void RoundRobin::give_shares(QueueMember& member) noexcept {
    for (QueueMember* ready = &member; ready->turns_ != nullptr; ready = &ready->turns_->queue_) {
        ready->turns_->turns_.add_share(*ready);
    }
}

// Returns whether can_pop() has changed.
bool RoundRobin::update(QueueMember& member) noexcept {
    const bool before = can_pop();
    if (!member.can_pop()) {
        turns_.remove(member);
    } else if (!member.in_ring()) {
        turns_.add(member);
    }
    return can_pop() != before;
}

// A loop, not a recursion: queues nest as deeply as a configuration says. It goes from plan to plan
// and from turns to turns; what a plan that is stale does not know yet is found on the way.
void RoundRobin::tell(QueueMember& member) noexcept {
    for (QueueMember* changed = &member; changed->turns_ != nullptr;) {
        RoundRobin& turns = *changed->turns_;
        LeafQueue* const leaf = changed->as_leaf();
        if (turns.shared_) {
            if (!turns.update(*changed)) {
                return;
            }
            if (turns.plan_ != nullptr) {
                turns.plan_->fresh().set(turns.slot_, turns.can_pop());
            }
        } else if (leaf != nullptr && leaf->plan_ != nullptr) {
            leaf->plan_->fresh().set(leaf->slot_, leaf->can_pop());
        }
        changed = &turns.queue_;
    }
}

}  // namespace weir
