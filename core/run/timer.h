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

class Deadline;
class TimerHeap;
class Wait;

/// The state of a timer that the heap needs: when it is due, and where it stands in the heap.
class TimerState final : public RefCounted<TimerState>,
                         public Link<TimerState>,
                         public pool::Pooled {
public:
    explicit TimerState(Duration interval) noexcept : interval_(interval) {}

    Time due() const noexcept { return due_; }
    /// Returns the interval; 0 if the timer fires once.
    Duration interval() const noexcept { return interval_; }
    bool active() const noexcept { return heap_ != nullptr; }
    /// Returns the wait that the timer ends; null if it ends none. See Deadline.
    Wait* ends() const noexcept;
    /// Returns the state that the event of the timer names: this, unless it is a part of a
    /// Deadline, which may be destroyed before the event comes.
    Ref<TimerState> state_of_event();

private:
    friend class TimerHeap;
    friend class Deadline;

    Time due_{};
    Duration interval_;
    TimerHeap* heap_ = nullptr;
    Deadline* deadline_ = nullptr;    // for which it is set; null for a Timer
    std::size_t position_ = waiting;  // in the heap
    static constexpr std::size_t waiting = static_cast<std::size_t>(-1);
};

/// Sent when a timer has become due. Ends the wait whose deadline it is.
struct TimerEvent : Event {
    Index<const TimerState*> timer;
    Ref<TimerState> state;  ///< keeps the identity from being given to another timer

    static auto declare() {
        return declare_event<TimerEvent>("weir.TimerEvent").index("timer", &TimerEvent::timer);
    }

    void received() noexcept;
};

/// The timers of a scheduler, ordered by the time when they are due. Holds a reference to each.
///
/// A binary heap, and beside it an unsorted list of timers that were due later than the earliest
/// one when they were set: most timeouts are cancelled long before they are due, and never enter
/// the heap. To set and cancel such a timer is O(1), all else O(log n), amortized. The order of
/// timers that are due at the same time is not defined. It is that of VLCP, whose structure this
/// is.
class TimerHeap {
public:
    TimerHeap() = default;
    ~TimerHeap() { clear(); }
    TimerHeap(const TimerHeap&) = delete;
    TimerHeap& operator=(const TimerHeap&) = delete;

    bool empty() const noexcept { return heap_.empty(); }
    std::size_t size() const noexcept { return heap_.size() + waiting_count_; }
    /// next_due() and next() require that there is a timer.
    Time next_due() const noexcept { return heap_.front().due; }
    TimerState& next() const noexcept { return *heap_.front().timer; }

    /// Adds the timer. Requires that it is not active.
    void set(TimerState& timer, Time due);
    /// Changes when the next timer is due, to a later time.
    void postpone_next(Time due);
    /// Removes the timer from its heap; does nothing if it is in none.
    static void cancel(TimerState& timer) noexcept;
    void clear() noexcept;

    /// Returns all timers, in no particular order. For listings.
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

    // Has room for all timers, so that those of the list can always be admitted.
    std::vector<Item> heap_;
    List<TimerState> waiting_;  // not in the heap, in the order of being set
    std::size_t waiting_count_ = 0;
    Time earliest_waiting_{};  // no timer of the list is due before
};

/// Owns a timer: it is cancelled when the Timer is destroyed. Wait for its events with matcher().
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
    /// Returns the matcher of the timer's events, the same one each time. Made at the first call,
    /// since most timers are cancelled before a routine waits for them; callers see no difference.
    const MatcherOf<TimerEvent>& matcher() const {
        if (!matcher_ && state_ != nullptr) {
            make_matcher();
        }
        return matcher_;
    }

    /// Keeps the timer from firing again. An event that is in its queue already still comes.
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
