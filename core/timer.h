#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/clock.h"
#include "core/event.h"
#include "core/matcher.h"
#include "core/pool.h"
#include "core/ref.h"

namespace weir {

class TimerHeap;

// What a timer is to the heap: when it is due, and where it stands.
class TimerState final : public RefCounted<TimerState>, public pool::Pooled {
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
    std::size_t position_ = 0;
};

// A timer has become due.
struct TimerEvent : Event {
    Index<const TimerState*> timer;
    Ref<TimerState> state;  // keeps the identity from being given to another timer

    static auto declare() {
        return declare_event<TimerEvent>("weir.TimerEvent").index("timer", &TimerEvent::timer);
    }
};

// The timers of a scheduler, a heap by the time when they are due; of those due at the same time
// the one that was set first is first. Each operation is O(log n). Holds a reference to each.
class TimerHeap {
public:
    TimerHeap() = default;
    ~TimerHeap() { clear(); }
    TimerHeap(const TimerHeap&) = delete;
    TimerHeap& operator=(const TimerHeap&) = delete;

    bool empty() const noexcept { return heap_.empty(); }
    std::size_t size() const noexcept { return heap_.size(); }
    Time next_due() const noexcept { return heap_.front().due; }
    TimerState& next() const noexcept { return *heap_.front().timer; }

    // Adds the timer, or moves it if it is in.
    void set(TimerState& timer, Time due);
    static void cancel(TimerState& timer) noexcept;
    void clear() noexcept;

    // For listings, in no particular order.
    std::vector<const TimerState*> timers() const;

private:
    struct Item {
        Time due;
        std::uint64_t order;
        TimerState* timer;

        bool before(const Item& other) const noexcept {
            return due != other.due ? due < other.due : order < other.order;
        }
    };

    void remove(std::size_t position) noexcept;
    void sift_up(std::size_t position, Item item) noexcept;
    void sift_down(std::size_t position, Item item) noexcept;
    void put(std::size_t position, const Item& item) noexcept {
        heap_[position] = item;
        item.timer->position_ = position;
    }

    std::vector<Item> heap_;
    std::uint64_t order_ = 0;
};

// A timer that is cancelled when this handle goes. Wait for its events with `matcher()`.
class Timer {
public:
    Timer() noexcept = default;
    explicit Timer(Ref<TimerState> state);
    Timer(Timer&&) noexcept = default;
    Timer& operator=(Timer&& other) noexcept {
        cancel();
        state_ = std::move(other.state_);
        matcher_ = std::move(other.matcher_);
        return *this;
    }
    ~Timer() { cancel(); }

    bool active() const noexcept { return state_ != nullptr && state_->active(); }
    const MatcherOf<TimerEvent>& matcher() const noexcept { return matcher_; }

    // Keeps it from firing again. An event that is on its way still comes.
    void cancel() noexcept {
        if (state_ != nullptr) {
            TimerHeap::cancel(*state_);
        }
    }

private:
    Ref<TimerState> state_;
    MatcherOf<TimerEvent> matcher_;
};

}  // namespace weir
