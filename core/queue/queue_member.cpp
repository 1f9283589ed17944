#include "core/queue/queue_member.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "core/queue/queue.h"

namespace weir {

// Requires that there is room in the history. A member that was removed may still be in it, and may
// belong to another queue or priority by now: such turns count for nothing.
void RoundRobin::count_served(QueueMember& member) noexcept {
    turns_.served(
        member, [this] { return most_remembered(); },
        [this](QueueMember* oldest) {
            if (oldest != nullptr && oldest->turns_ == this && oldest->has_share()) {
                FairTurns<QueueMember>::forget_turn(*oldest);  // a member keeps its share
            }
        });
}

// Tells the queue whether there is an event that may leave, if it does not know. Returns whether
// that has changed the same of the queue.
bool RoundRobin::tell() {
    if (listed_ == can_pop()) {
        return false;
    }
    listed_ = !listed_;
    return queue_.list(*this, listed_);
}

// The only member does not stay the only one: from now on there are turns, and the history has
// those that it has had. add() has made room for that; they are equal neighbours, and take one
// entry.
void RoundRobin::begin_turns() noexcept {
    if (QueueMember* const first = std::exchange(only_, nullptr)) {
        for (; only_served_ != 0; --only_served_) {
            count_served(*first);
        }
        if (first->can_pop()) {
            turns_.add_last(*first);
        }
    }
}

void RoundRobin::make_room(std::size_t members) {
    if (members_.capacity() - members_.size() < members) {
        members_.reserve(members_.size() * 2 + members + 3);
    }
    turns_.make_room();
}

void RoundRobin::add(QueueMember& member) {
    make_room();
    const bool first = members_.empty() && turns_.remembered() == 0;
    if (!first) {
        begin_turns();
    }
    members_.push_back(&member);
    member.turns_ = this;
    if (first) {
        only_ = &member;
    }
    if (member.can_pop()) {
        turns_.add_share(member);
        if (!first) {
            turns_.add_last(member);
        }
    }
    if (tell()) {
        can_pop_changed(queue_);
    }
}

void RoundRobin::remove(QueueMember& member) noexcept {
    assert(member.turns_ == this);
    begin_turns();
    std::erase(members_, &member);
    turns_.remove(member);
    turns_.drop_share(member);
    if (tell()) {
        can_pop_changed(queue_);
    }
}

void RoundRobin::forget(QueueMember& member) noexcept {
    turns_.forget_object(member);
}

// Room is made first: once the event is out, nothing may fail.
Ref<Event> RoundRobin::take_in_turn(QueueSignals& signals) {
    turns_.make_room();
    QueueMember& member = turns_.take_turn();
    Ref<Event> event = member.take(signals);
    count_served(member);
    if (!member.can_pop()) {
        turns_.remove(member);
    }
    return event;
}

void RoundRobin::drop_all(QueueSignals& signals) {
    for (QueueMember* member : members_) {
        member->drop_all(signals);
    }
    turns_.remove_all();
}

void RoundRobin::unblock_all() {
    for (QueueMember* member : members_) {
        member->unblock_all();
    }
}

void RoundRobin::after_pop(QueueMember& member, std::size_t count, QueueSignals& signals) {
    if (!member.can_pop()) {
        turns_.remove(member);
    }
    queue_.after_pop(count, signals);
    if (tell()) {
        can_pop_changed(queue_);
    }
}

// A loop, not a recursion: queues nest as deeply as a configuration says.
void RoundRobin::can_pop_changed(QueueMember& member) {
    for (QueueMember* changed = &member; changed->turns_ != nullptr;) {
        RoundRobin& own = *changed->turns_;
        if (own.only_ != nullptr) [[likely]] {
            own.turns_.add_share(*changed);
        } else if (changed->can_pop()) {
            own.turns_.add(*changed);
        } else {
            own.turns_.remove(*changed);
        }
        if (!own.tell()) {
            return;
        }
        changed = &own.queue_;
    }
}

}  // namespace weir
