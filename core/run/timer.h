#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/base/clock.h"
#include "core/base/list.h"
#include "core/base/pool.h"
#include "core/base/ref.h"
#include "core/event/event.h"
#include "core/event/matcher.h"

namespace weir {

class TimerHeap;

// What a timer is to the heap: when it is due, and where it stands.
class TimerState final : public RefCounted<TimerState>,
                         public Link<TimerState>,
                         public pool::Pooled {
public:
    explicit TimerState(Duration interval) noexcept : interval_(interval) {}

    Time due() const noexcept { return due_; }
    Duration interval() const noexcept { return interval_; }  // 0: fires once
    bool active() const noexcept { return heap_ != nullptr; }

private:
    friend class TimerHeap;

    Time due_{};
    Duration interval_;
    TimerHeap* heap_ = nullptr;
    std::size_t position_ = waiting;  // in the heap
    static constexpr std::size_t waiting = static_cast<std::size_t>(-1);
};

// A timer has become due.
struct TimerEvent : Event {
    Index<const TimerState*> timer;
    Ref<TimerState> state;  // keeps the identity from being given to another timer

    static auto declare() {
        return declare_event<TimerEvent>("weir.TimerEvent").index("timer", &TimerEvent::timer);
    }
};

// The timers of a scheduler. A binary heap by the time when they are due, and beside it, unsorted,
// those that are due later than the first was when they were set: most timeouts are cancelled long
// before they are due, and never enter the heap. Setting and cancelling such a one is O(1), all
// else O(log n), amortized. Of timers due at the same time, which is first is not defined; it is
// the same as in the original, whose structure this is. Holds a reference to each.
class TimerHeap {
public:
    TimerHeap() = default;
    ~TimerHeap() { clear(); }
    TimerHeap(const TimerHeap&) = delete;
    TimerHeap& operator=(const TimerHeap&) = delete;

    bool empty() const noexcept { return heap_.empty(); }
    std::size_t size() const noexcept { return heap_.size() + waiting_count_; }
    // Require that there is one.
    Time next_due() const noexcept { return heap_.front().due; }
    TimerState& next() const noexcept { return *heap_.front().timer; }

    // Adds the timer. Requires that it is not active.
    void set(TimerState& timer, Time due);
    // Makes the next timer be due at another, later time.
    void postpone_next(Time due);
    static void cancel(TimerState& timer) noexcept;
    void clear() noexcept;

    // For listings, in no particular order.
    std::vector<const TimerState*> timers() const;

private:
    struct Item {
        Time due;
        TimerState* timer;
    };

    void push(TimerState& timer);
    void remove(TimerState& timer) noexcept;
    void admit_waiting();
    void sift_up(std::size_t position) noexcept;
    void sift_down(std::size_t position) noexcept;
    void put(std::size_t position, const Item& item) noexcept {
        heap_[position] = item;
        item.timer->position_ = position;
    }

    // Has room for all timers, so that those who wait can always be admitted.
    std::vector<Item> heap_;
    List<TimerState> waiting_;  // not in the heap, in the order of being set
    std::size_t waiting_count_ = 0;
    Time earliest_waiting_{};  // none of those who wait is due before
};

// A timer that is cancelled when this handle goes. Wait for its events with `matcher()`.
class Timer {
public:
    Timer() noexcept = default;
    explicit Timer(Ref<TimerState> state) noexcept : state_(std::move(state)) {}
    Timer(Timer&&) noexcept = default;
    Timer& operator=(Timer&& other) noexcept {
        cancel();
        state_ = std::move(other.state_);
        matcher_ = std::move(other.matcher_);
        return *this;
    }
    ~Timer() { cancel(); }

    bool active() const noexcept { return state_ != nullptr && state_->active(); }
    // The same each time; made when first asked for.
    const MatcherOf<TimerEvent>& matcher() const {
        if (!matcher_ && state_ != nullptr) {
            make_matcher();
        }
        return matcher_;
    }

    // Keeps it from firing again. An event that is on its way still comes.
    void cancel() noexcept {
        if (state_ != nullptr) {
            TimerHeap::cancel(*state_);
        }
    }

private:
    void make_matcher() const;

    Ref<TimerState> state_;
    mutable MatcherOf<TimerEvent> matcher_;
};

}  // namespace weir
