#include "core/queue/fifo_queue.h"

#include "core/queue/queue.h"  // complete: an event that it waits for refers to it

namespace weir {

FifoQueue::~FifoQueue() {
    while (!events_.empty()) {
        drop(events_.pop_front());
    }
}

LeafQueueFactory FifoQueue::factory() {
    return make_fifo_queue;
}

std::unique_ptr<LeafQueue> make_fifo_queue(std::size_t max_size) {
    return std::make_unique<FifoQueue>(max_size);
}

Matcher FifoQueue::add(Event& event, bool force) {
    if (!force && size_ >= max_size_) {
        waited_ = true;
        return can_write_matcher();
    }
    if (!force) {
        if (Matcher wait = wait_above()) {
            return wait;
        }
    }
    hold(event);
    events_.push_back(event);
    ++size_;
    set_can_pop(!blocked_);
    return {};
}

std::optional<bool> FifoQueue::has_place(const QueueCanWriteEvent&) {
    if (size_ < max_size_) {
        return true;
    }
    waited_ = true;
    return false;
}

void FifoQueue::signal_place(QueueSignals& signals) {
    if (waited_ && size_ < max_size_) {
        signals.can_write.push_back(make_can_write());
        waited_ = false;
    }
}

// Without memory for the signal, the event stays.
Ref<Event> FifoQueue::take(QueueSignals& signals) {
    if (waited_ && size_ <= max_size_) [[unlikely]] {
        signals.can_write.push_back(make_can_write());
        waited_ = false;
    }
    --size_;
    can_pop_ = size_ != 0;
    Ref<Event> event = let_go(events_.pop_front());
    signals.behind = &events_;
    return event;
}

void FifoQueue::put_back(Event& event) {
    hold(event);
    events_.push_front(event);
    ++size_;
    blocked_ = true;
    set_can_pop(false);
}

void FifoQueue::release_block(Event&) {
    unblock_all();
}

void FifoQueue::remove(Event& event, QueueSignals& signals) {
    List<Event>::remove(event);
    --size_;
    blocked_ = blocked_ && event.blocks() == nullptr;
    set_can_pop(size_ != 0 && !blocked_);
    signal_place(signals);
}

void FifoQueue::unblock_all() {
    blocked_ = false;
    set_can_pop(size_ != 0);
}

void FifoQueue::drop_all(QueueSignals& signals) {
    while (!events_.empty()) {
        drop(events_.pop_front(), signals);
    }
    size_ = 0;
    blocked_ = can_pop_ = false;
    signal_place(signals);
}

void FifoQueue::for_each(const std::function<void(Event&)>& visit) const {
    for (Event& event : events_) {
        visit(event);
    }
}

}  // namespace weir
