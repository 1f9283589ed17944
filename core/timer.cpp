#include "core/timer.h"

#include <algorithm>

namespace weir {

namespace {

// Four children a node: half the levels of a binary heap, and the children share cache lines.
constexpr std::size_t children = 4;

}  // namespace

void TimerHeap::set(TimerState& timer, Time due) {
    const Item item{due, order_++, &timer};
    timer.due_ = due;
    if (timer.heap_ == nullptr) {
        heap_.push_back(item);
        timer.heap_ = this;
        timer.retain();
        sift_up(heap_.size() - 1, item);
        return;
    }
    const std::size_t position = timer.position_;
    if (item.before(heap_[position])) {
        sift_up(position, item);
    } else {
        sift_down(position, item);
    }
}

void TimerHeap::cancel(TimerState& timer) noexcept {
    if (TimerHeap* heap = std::exchange(timer.heap_, nullptr)) {
        heap->remove(timer.position_);
        timer.release();
    }
}

void TimerHeap::clear() noexcept {
    while (!heap_.empty()) {
        cancel(*heap_.back().timer);
    }
}

void TimerHeap::remove(std::size_t position) noexcept {
    const Item last = heap_.back();
    heap_.pop_back();
    if (position == heap_.size()) {
        return;
    }
    if (last.before(heap_[position])) {
        sift_up(position, last);
    } else {
        sift_down(position, last);
    }
}

void TimerHeap::sift_up(std::size_t position, Item item) noexcept {
    while (position > 0) {
        const std::size_t parent = (position - 1) / children;
        if (!item.before(heap_[parent])) {
            break;
        }
        put(position, heap_[parent]);
        position = parent;
    }
    put(position, item);
}

void TimerHeap::sift_down(std::size_t position, Item item) noexcept {
    while (true) {
        const std::size_t first = position * children + 1;
        if (first >= heap_.size()) {
            break;
        }
        const std::size_t end = std::min(first + children, heap_.size());
        std::size_t smallest = first;
        for (std::size_t child = first + 1; child < end; ++child) {
            if (heap_[child].before(heap_[smallest])) {
                smallest = child;
            }
        }
        if (!heap_[smallest].before(item)) {
            break;
        }
        put(position, heap_[smallest]);
        position = smallest;
    }
    put(position, item);
}

std::vector<const TimerState*> TimerHeap::timers() const {
    std::vector<const TimerState*> result;
    for (const Item& item : heap_) {
        result.push_back(item.timer);
    }
    return result;
}

Timer::Timer(Ref<TimerState> state) : state_(std::move(state)) {
    const TimerState* timer = state_.get();
    matcher_ = match<TimerEvent>(timer).make();
}

}  // namespace weir
