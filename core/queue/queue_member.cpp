#include "core/queue/queue_member.h"

#include <algorithm>

#include "core/queue/queue.h"

namespace weir {

// From now on it is counted how often the member is served.
void RoundRobin::count(QueueMember& member) noexcept {
    if (!member.in_statistics_) {
        member.in_statistics_ = true;
        member.served_ = 0;
        ++in_statistics_;
    }
}

// Requires that there is room in the history.
void RoundRobin::count_served(QueueMember& member) noexcept {
    count(member);
    ++member.served_;
    while (lately_.size() >= most_counted()) {
        QueueMember* oldest = lately_.pop_front();
        if (oldest != nullptr && oldest->turns_ == this && oldest->in_statistics_) {
            --oldest->served_;
        }
    }
    lately_.push_back(&member);
}

void RoundRobin::activate(QueueMember& member) noexcept {
    count(member);
    if (member.served_ * static_cast<std::int64_t>(in_statistics_) >=
        static_cast<std::int64_t>(lately_.size())) {
        ready_.insert_last(member);
    } else {
        ready_.insert_next(member);
    }
}

// Tells the queue whether there is an event that may leave, if it does not know; whether that has
// changed the same of the queue.
bool RoundRobin::tell() {
    if (listed_ == can_pop()) {
        return false;
    }
    listed_ = !listed_;
    return queue_.list(*this, listed_);
}

// The only member does not stay the only one: from now on there are turns. add() has made room in
// the history.
void RoundRobin::begin_turns() noexcept {
    if (QueueMember* const first = std::exchange(only_, nullptr)) {
        for (; only_served_ != 0; --only_served_) {
            count_served(*first);
        }
        if (first->can_pop()) {
            ready_.insert_last(*first);
        }
    }
}

void RoundRobin::make_room(std::size_t members) {
    if (members_.capacity() - members_.size() < members) {
        members_.reserve(members_.size() * 2 + members + 3);
    }
    lately_.make_room();
}

void RoundRobin::add(QueueMember& member) {
    make_room();
    const bool first = members_.empty() && lately_.size() == 0;
    if (!first) {
        begin_turns();
    }
    members_.push_back(&member);
    member.turns_ = this;
    if (first) {
        only_ = &member;
    }
    if (member.can_pop()) {
        count(member);
        if (!first) {
            ready_.insert_last(member);
        }
    }
    if (tell()) {
        can_pop_changed(queue_);
    }
}

void RoundRobin::remove(QueueMember& member) noexcept {
    begin_turns();
    std::erase(members_, &member);
    ready_.remove(member);
    if (member.in_statistics_) {
        member.in_statistics_ = false;
        --in_statistics_;
    }
    if (tell()) {
        can_pop_changed(queue_);
    }
}

void RoundRobin::forget(QueueMember& member) noexcept {
    lately_.replace(&member, nullptr);
}

Ref<Event> RoundRobin::take_in_turn(QueueSignals& signals) {
    lately_.make_room();
    QueueMember& member = ready_.take_turn();
    Ref<Event> event = member.take(signals);
    if (!member.in_statistics_ || !lately_.is_full_of(&member, most_counted())) {
        count_served(member);
    }
    if (!member.can_pop()) {
        ready_.remove(member);
    }
    return event;
}

void RoundRobin::drop_all(QueueSignals& signals) {
    for (QueueMember* member : members_) {
        member->drop_all(signals);
    }
    ready_.clear();
}

void RoundRobin::unblock_all() {
    for (QueueMember* member : members_) {
        member->unblock_all();
    }
}

void RoundRobin::after_pop(QueueMember& member, std::size_t count, QueueSignals& signals) {
    if (!member.can_pop()) {
        ready_.remove(member);
    }
    queue_.after_pop(count, signals);
    if (tell()) {
        can_pop_changed(queue_);
    }
}

void RoundRobin::can_pop_changed(QueueMember& member) {
    for (QueueMember* changed = &member; changed->turns_ != nullptr;) {
        RoundRobin& turns = *changed->turns_;
        if (turns.only_ != nullptr) [[likely]] {
            turns.count(*changed);
        } else if (changed->can_pop()) {
            turns.activate(*changed);
        } else {
            turns.ready_.remove(*changed);
        }
        if (!turns.tell()) {
            return;
        }
        changed = &turns.queue_;
    }
}

}  // namespace weir
