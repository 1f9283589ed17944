#include "core/queue/priority_queue.h"

#include <algorithm>

namespace weir {

PriorityQueue::~PriorityQueue() {
    for (const Ranked& ranked : heap_) {
        drop(*ranked.event);
    }
    while (!plain_.empty()) {
        drop(plain_.pop_front());
    }
}

LeafQueueFactory PriorityQueue::factory(EventKey key) {
    return [key = std::move(key)](std::size_t max_size) {
        return std::make_unique<PriorityQueue>(max_size, key);
    };
}

bool PriorityQueue::after(const Ranked& a, const Ranked& b) noexcept {
    const auto order = a.rank <=> b.rank;
    return order != 0 ? order > 0 : a.order > b.order;
}

// Reserves memory so that the next push() cannot fail.
void PriorityQueue::make_room() {
    if (heap_.size() == heap_.capacity()) {
        heap_.reserve(heap_.size() * 2 + 8);
    }
}

void PriorityQueue::push(const IndexValue& rank, std::int64_t order, Event& event) noexcept {
    heap_.push_back({rank, order, &event});
    std::push_heap(heap_.begin(), heap_.end(), after);
}

bool PriorityQueue::front_may_leave() const noexcept {
    if (!heap_.empty()) {
        return !blocks(*heap_.front().event);
    }
    return !plain_.empty() && !blocks(plain_.front());
}

Matcher PriorityQueue::add(Event& event, bool force) {
    if (!force && size() >= max_size_) {
        waited_ = true;
        return can_write_matcher();
    }
    const IndexValue& rank = key_(event);
    make_room();
    if (!force) {
        if (Matcher wait = wait_above()) {
            return wait;
        }
    }
    if (rank.is_any()) {
        plain_.push_back(event);
        ++plain_size_;
    } else {
        push(rank, ++last_order_, event);
    }
    hold(event);
    set_can_pop(front_may_leave());  // it may come before an event that blocks
    return {};
}

std::optional<bool> PriorityQueue::has_place(const QueueCanWriteEvent&) {
    if (size() < max_size_) {
        return true;
    }
    waited_ = true;
    return false;
}

void PriorityQueue::signal_place(QueueSignals& signals) {
    if (waited_ && size() < max_size_) {
        signals.can_write.push_back(make_can_write());
        waited_ = false;
    }
}

Ref<Event> PriorityQueue::take(QueueSignals& signals) {
    Event* event = nullptr;
    if (!heap_.empty()) {
        std::pop_heap(heap_.begin(), heap_.end(), after);
        event = heap_.back().event;
        heap_.pop_back();
    } else {
        event = &plain_.pop_front();
        --plain_size_;
    }
    can_pop_ = front_may_leave();
    signal_place(signals);
    return let_go(*event);
}

void PriorityQueue::put_back(Event& event) {
    const IndexValue& rank = key_(event);
    make_room();
    set_blocks(event, true);
    if (rank.is_any()) {
        plain_.push_front(event);
        ++plain_size_;
    } else {
        push(rank, --first_order_, event);
    }
    hold(event);
    set_can_pop(front_may_leave());
}

void PriorityQueue::release_block(Event& event) {
    set_blocks(event, false);
    set_can_pop(front_may_leave());
}

void PriorityQueue::remove(Event& event, QueueSignals& signals) {
    const auto ranked = std::ranges::find(heap_, &event, &Ranked::event);
    if (ranked != heap_.end()) {
        heap_.erase(ranked);
        std::make_heap(heap_.begin(), heap_.end(), after);
    } else {
        List<Event>::remove(event);
        --plain_size_;
    }
    set_can_pop(front_may_leave());
    signal_place(signals);
}

void PriorityQueue::unblock_all() {
    for_each([](Event& event) { set_blocks(event, false); });
    set_can_pop(size() != 0);
}

void PriorityQueue::drop_all(QueueSignals& signals) {
    for (const Ranked& ranked : heap_) {
        drop(*ranked.event, signals);
    }
    heap_.clear();
    while (!plain_.empty()) {
        drop(plain_.pop_front(), signals);
    }
    plain_size_ = 0;
    can_pop_ = false;
    signal_place(signals);
}

void PriorityQueue::for_each(const std::function<void(Event&)>& visit) const {
    for (const Ranked& ranked : heap_) {
        visit(*ranked.event);
    }
    for (Event& event : plain_) {
        visit(event);
    }
}

}  // namespace weir
