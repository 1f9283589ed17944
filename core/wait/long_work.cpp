#include "core/wait/long_work.h"

#include <cassert>
#include <utility>

#include "core/run/scheduler.h"
#include "core/run/system_events.h"
#include "core/wait/do_events.h"

namespace weir {

struct LongWork::Source : RingLink<Source> {
    List<Waiter> waiters;
};

// Stands in the line of its source, then is the chosen one, until it is destroyed.
class LongWork::Waiter : public Link<Waiter> {
public:
    Waiter(LongWork& work, std::string source, Piece piece)
        : work_(work), source_(work.sources_.try_emplace(std::move(source)).first) {
        if (source_->second.waiters.empty()) {
            work_.turns_.insert_last(source_->second);
        }
        if (piece == Piece::first) {
            source_->second.waiters.push_back(*this);
        } else {
            source_->second.waiters.push_front(*this);
        }
        ++work_.waiting_;
        if (work_.chosen_ == nullptr) {
            work_.choose();
        }
    }
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;
    ~Waiter() {
        --work_.waiting_;
        if (work_.chosen_ == this) {
            work_.choose();
        } else {
            leave_line();
        }
    }

    // Returns when it is chosen.
    Task<bool> chosen() {
        return chosen_.until([this] { return work_.chosen_ == this; });
    }
    void choose() noexcept {
        leave_line();
        chosen_.notify();
    }

private:
    void leave_line() noexcept {
        unlink();
        if (source_->second.waiters.empty()) {
            work_.turns_.remove(source_->second);
            work_.sources_.erase(source_);
        }
    }

    LongWork& work_;
    const std::map<std::string, Source, std::less<>>::iterator source_;
    Condition chosen_;
};

LongWork::LongWork(Scheduler& scheduler) noexcept : scheduler_(scheduler) {}

LongWork::~LongWork() {
    assert(waiting_ == 0);
}

bool LongWork::has_items_left() noexcept {
    if (round_ != scheduler_.rounds()) {
        round_ = scheduler_.rounds();
        spent_ = 0;
    }
    return spent_ < per_round;
}

bool LongWork::begin(std::size_t items) noexcept {
    if (waiting_ != 0 || !has_items_left()) {
        return false;
    }
    spent_ += items;
    return true;
}

// A source that has waiters left is served again when all others were.
void LongWork::choose() noexcept {
    chosen_ = nullptr;
    if (!turns_.empty()) {
        chosen_ = &turns_.take_turn().waiters.front();
        chosen_->choose();
    }
}

Task<> LongWork::turn(Ref<LongWork> work, std::string source, std::size_t items, Piece piece) {
    if (work->begin(items)) {
        co_return;
    }
    Waiter waiter(*work, std::move(source), piece);
    Task<bool> chosen = waiter.chosen();
    co_await chosen;
    while (!work->has_items_left()) {
        // Behind the other events of the next round.
        co_await do_events();
        co_await match<SystemControlLowPriorityEvent>(SystemControlLowPriorityEvent::Type::loop);
    }
    work->spent_ += items;
}

}  // namespace weir
