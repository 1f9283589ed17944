#include "core/run/timer.h"

#include <algorithm>
#include <cassert>

namespace weir {

void TimerHeap::set(TimerState& timer, Time due) {
    assert(!timer.active());
    if (size() == heap_.capacity()) {
        heap_.reserve(std::max<std::size_t>(16, heap_.capacity() * 2));
    }
    timer.due_ = due;
    timer.heap_ = this;
    timer.retain();
    if (heap_.empty() || heap_.front().due >= due) {
        push(timer);
        return;
    }
    if (waiting_count_ == 0 || due < earliest_waiting_) {
        earliest_waiting_ = due;
    }
    waiting_.push_back(timer);
    ++waiting_count_;
}

void TimerHeap::postpone_next(Time due) {
    assert(!heap_.empty());
    Item item = heap_.front();
    item.due = item.timer->due_ = due;
    put(0, item);
    sift_down(0);
    admit_waiting();
}

void TimerHeap::cancel(TimerState& timer) noexcept {
    if (TimerHeap* heap = std::exchange(timer.heap_, nullptr)) {
        heap->remove(timer);
        timer.release();
    }
}

void TimerHeap::clear() noexcept {
    while (!heap_.empty()) {
        cancel(*heap_.back().timer);
    }
}

void TimerHeap::push(TimerState& timer) {
    heap_.push_back({timer.due_, &timer});
    timer.position_ = heap_.size() - 1;
    sift_up(heap_.size() - 1);
}

void TimerHeap::remove(TimerState& timer) noexcept {
    const std::size_t position = std::exchange(timer.position_, TimerState::waiting);
    if (position == TimerState::waiting) {
        List<TimerState>::remove(timer);
        --waiting_count_;
        return;
    }
    const Item removed = heap_[position];
    const Item last = heap_.back();
    heap_.pop_back();
    if (position != heap_.size()) {
        put(position, last);
        if (last.due > removed.due) {
            sift_down(position);
        } else {
            sift_up(position);
        }
    }
    if (position == 0 || position == heap_.size()) {
        admit_waiting();
    }
}

// Moves the timers of the list into the heap once one of them may be due before the first of the
// heap.
void TimerHeap::admit_waiting() {
    if (waiting_count_ == 0 || (!heap_.empty() && earliest_waiting_ > heap_.front().due)) {
        return;
    }
    while (!waiting_.empty()) {
        push(waiting_.pop_front());
    }
    waiting_count_ = 0;
}

void TimerHeap::sift_up(std::size_t position) noexcept {
    const Item item = heap_[position];
    while (position > 0) {
        const std::size_t parent = (position - 1) / 2;
        if (heap_[parent].due <= item.due) {
            break;
        }
        put(position, heap_[parent]);
        position = parent;
    }
    put(position, item);
}

// Moves all the way down, to the earlier child each time, and from there up to its place (I.
// Wegener's bottom-up heapsort): a timer from the end of the heap belongs near the bottom. Which
// child is earlier no branch predictor can foretell, so that is calculated, not branched on.
void TimerHeap::sift_down(std::size_t position) noexcept {
    const Item item = heap_[position];
    const std::size_t top = position;
    const std::size_t size = heap_.size();
    std::size_t child = position * 2 + 2;
    for (; child < size; child = position * 2 + 2) {
        child -= heap_[child - 1].due <= heap_[child].due ? 1U : 0U;
        put(position, heap_[child]);
        position = child;
    }
    if (child == size) {
        put(position, heap_[child - 1]);
        position = child - 1;
    }
    while (position > top && heap_[(position - 1) / 2].due >= item.due) {
        put(position, heap_[(position - 1) / 2]);
        position = (position - 1) / 2;
    }
    put(position, item);
}

std::vector<const TimerState*> TimerHeap::timers() const {
    std::vector<const TimerState*> result;
    for (const Item& item : heap_) {
        result.push_back(item.timer);
    }
    for (const TimerState& timer : waiting_) {
        result.push_back(&timer);
    }
    return result;
}

void Timer::make_matcher() const {
    const TimerState* timer = state_.get();
    matcher_ = match<TimerEvent>(timer).make();
}

}  // namespace weir
