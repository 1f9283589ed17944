#include "core/queue/leaf_queue.h"

#include <array>
#include <cassert>
#include <stdexcept>

#include "core/queue/queue.h"

namespace weir {

void LeafQueue::require_not_queued(const Event& event) {
    if (event.queued_in_ != nullptr) {
        throw std::logic_error("the event is in a queue already: " + event.describe());
    }
}

Matcher LeafQueue::append(Event& event, bool force) {
    require_not_queued(event);
    return add(event, force);
}

void LeafQueue::block(Event& event) {
    require_not_queued(event);
    put_back(event);
    event.blocked_in_ = this;
}

void LeafQueue::unblock(Event& event) {
    event.blocked_in_ = nullptr;
    release_block(event);
}

void LeafQueue::withdraw(Event& event, QueueSignals& signals) {
    assert(event.queued_in_ == this);
    const auto leave = [&] {
        set_blocks(event, false);
        let_go(event).reset();
        Queue::count_out(counting_, 1, signals);
    };
    try {
        remove(event, signals);
    } catch (...) {
        leave();
        throw;
    }
    leave();
}

Ref<Event> LeafQueue::serve(QueueSignals& signals) {
    Ref<Event> event = take(signals);
    ++popped_;
    if (counting_ != nullptr) [[unlikely]] {
        Queue::count_out(counting_, 1, signals);
    }
    return event;
}

// An event that may no longer leave was not served, but its queue has been ready.
void LeafQueue::tell_can_pop() noexcept {
    if (!can_pop_) {
        RoundRobin::give_shares(*this);
    }
    RoundRobin::tell(*this);
}

Matcher LeafQueue::wait_above() {
    for (Queue* queue = counting_; queue != nullptr; queue = queue->counting_above_) {
        if (queue->size_ >= queue->max_total_) {
            return queue->wait_for_place();
        }
    }
    return {};
}

void LeafQueue::count_in_queues() noexcept {
    for (Queue* queue = counting_; queue != nullptr; queue = queue->counting_above_) {
        ++queue->size_;
    }
}

const Matcher& LeafQueue::can_write_matcher() {
    if (!can_write_matcher_) {
        can_write_matcher_ = match<QueueCanWriteEvent>(static_cast<Limited*>(this)).make();
    }
    return can_write_matcher_;
}

Ref<QueueCanWriteEvent> LeafQueue::make_can_write() {
    return make_event<QueueCanWriteEvent>(static_cast<Limited*>(this), owner());
}

Queue& LeafQueue::queue() const noexcept {
    return turns_->queue();
}

Ref<Queue> LeafQueue::owner() const noexcept {
    return Ref<Queue>(&turns_->queue());
}

void LeafQueue::drop(Event& event, QueueSignals& signals) noexcept {
    event.blocked_in_ = nullptr;
    event.blocks_ = false;
    event.queued_in_ = nullptr;
    signals.dropped.adopt(event);
}

void LeafQueue::drop(Event& event) noexcept {
    event.blocked_in_ = nullptr;
    event.blocks_ = false;
    let_go(event);
}

}  // namespace weir
