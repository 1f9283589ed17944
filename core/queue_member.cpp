#include "core/queue_member.h"

#include <algorithm>

#include "core/queue.h"

namespace weir {

void RoundRobin::activate(QueueMember& member) {
    if (!member.in_statistics_) {
        member.in_statistics_ = true;
        member.served_ = 0;
        ++in_statistics_;
    }
    if (member.served_ * static_cast<std::int64_t>(in_statistics_) >=
        static_cast<std::int64_t>(lately_.size())) {
        ready_.insert_last(member);
    } else {
        ready_.insert_next(member);
    }
}

void RoundRobin::update_blocked() {
    if (blocked_ == can_pop()) {
        blocked_ = !blocked_;
        queue_.blocked_changed(*this, blocked_);
    }
}

void RoundRobin::make_room() {
    if (members_.size() == members_.capacity()) {
        members_.reserve(members_.size() * 2 + 4);
    }
}

void RoundRobin::add(QueueMember& member) {
    make_room();
    members_.push_back(&member);
    member.turns_ = this;
    if (member.can_pop()) {
        member.in_statistics_ = true;
        member.served_ = 0;
        ++in_statistics_;
        ready_.insert_last(member);
    }
    update_blocked();
}

void RoundRobin::remove(QueueMember& member) noexcept {
    std::erase(members_, &member);
    ready_.remove(member);
    if (member.in_statistics_) {
        member.in_statistics_ = false;
        --in_statistics_;
    }
    update_blocked();
}

void RoundRobin::forget(QueueMember& member) noexcept {
    for (std::size_t i = 0; i != lately_.size(); ++i) {
        if (lately_[i] == &member) {
            lately_[i] = nullptr;
        }
    }
}

Ref<Event> RoundRobin::take(QueueSignals& signals) {
    QueueMember& member = ready_.take_turn();
    Ref<Event> event = member.take(signals);
    if (!member.in_statistics_) {
        member.in_statistics_ = true;
        member.served_ = 0;
        ++in_statistics_;
    }
    ++member.served_;
    while (lately_.size() >= 10 * members_.size() + 10) {
        QueueMember* oldest = lately_.pop_front();
        if (oldest != nullptr && oldest->turns_ == this && oldest->in_statistics_) {
            --oldest->served_;
        }
    }
    lately_.push_back(&member);
    if (!member.can_pop()) {
        ready_.remove(member);
    }
    if (!can_pop()) {
        update_blocked();
    }
    return event;
}

void RoundRobin::drop_all(QueueSignals& signals) {
    for (QueueMember* member : members_) {
        member->drop_all(signals);
    }
    ready_.clear();
    update_blocked();
}

void RoundRobin::unblock_all() {
    for (QueueMember* member : members_) {
        member->unblock_all();
    }
}

Matcher RoundRobin::before_append(QueueMember& member, bool force) {
    if (Matcher wait = queue_.before_append(force)) {
        return wait;
    }
    if (!member.blocked_ && !member.in_ring()) {
        activate(member);
    }
    if (can_pop()) {
        update_blocked();
    }
    return {};
}

void RoundRobin::after_pop(QueueMember& member, std::size_t count, QueueSignals& signals) {
    if (!member.can_pop()) {
        ready_.remove(member);
    }
    queue_.after_pop(count, signals);
    update_blocked();
}

void RoundRobin::blocked_changed(QueueMember& member) {
    if (!member.can_pop()) {
        ready_.remove(member);
    } else if (!member.in_ring()) {
        activate(member);
    }
    update_blocked();
}

}  // namespace weir
