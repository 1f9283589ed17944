#include "modules/lock/key.h"

#include "core/run/scheduler.h"
#include "modules/lock/context.h"
#include "modules/lock/table.h"
#include "modules/lock/wait.h"

namespace weir {

// Waits for a signal on behalf of the waiters of a key.
class LockKey::Signal final : public Subscriber, public pool::Pooled {
public:
    explicit Signal(LockKey& key) noexcept : Subscriber(key.table().scheduler()), key_(key) {}
    ~Signal() { stop(); }

    bool awaited() const noexcept { return !subscriptions_.empty(); }
    void wait_for(const Matcher& signal) {
        if (awaited()) {
            if (subscriptions_.front().matcher == signal) {
                return;
            }
            stop();
        }
        scheduler().subscribe(*this, signal);
    }
    void stop() noexcept { scheduler().unsubscribe_all(*this); }

private:
    void matched(const Ref<Event>&, Subscription&) noexcept override { key_.serve(); }
    void quit() noexcept override {}
    void close_at_end() noexcept override {}

    LockKey& key_;
};

LockKey::LockKey(LockTable& table, LockContext* context, const IndexValue& key)
    : table_(table), context_(context), key_(key) {}

LockKey::~LockKey() {
    if (map_ != nullptr) {
        map_->erase(*this);
    }
}

bool LockKey::subscribed() const noexcept {
    return signal_ != nullptr && signal_->awaited();
}

void LockKey::subscribe(const Matcher& signal) {
    if (signal_ == nullptr) {
        signal_ = std::make_unique<Signal>(*this);
    }
    signal_->wait_for(signal);
}

void LockKey::wait_for(const Matcher& signal) {
    if (signal != can_write_ || others_wait_ || table_.scheduler().traced()) {
        subscribe(signal);
    } else if (signal_ != nullptr) {
        signal_->stop();  // the queue calls serve() itself: LockQueue::has_place
    }
}

void LockKey::add(LockWait& wait) noexcept {
    waiters_.push_back(wait);
    ++waiting_;
}

void LockKey::remove(LockWait& wait) noexcept {
    List<LockWait, LockKey>::remove(wait);
    if (--waiting_ != 0) {
        return;
    }
    if (signal_ != nullptr) {
        signal_->stop();
    }
    if (semaphore_ != nullptr) {
        semaphore_->used = table_.scheduler().time_of_round();
    }
}

void LockKey::serve() noexcept {
    const Ref<LockKey> keep(this);
    LockWait* wait = waiting_ == 0 ? nullptr : &waiters_.front();
    while (wait != nullptr) {
        LockState& state = wait->state();
        if (state.locked) {
            // The same Lock is waited for twice: this wait ends when the holder's does, and the
            // waiters behind it need not wait for that.
            wait = waiters_.next(*wait);
            continue;
        }
        if (!has_place() && !others_wait_ && !subscribed() && !table_.scheduler().traced()) {
            waited_ = true;
            return;
        }
        Matcher refused;
        try {
            refused = table_.take(state, wait->owner(), wait);
            if (refused && has_place()) {
                // A slot is free, but not for this Lock: its own event has not left the queue yet.
                wait_for(refused);
                wait = waiters_.next(*wait);
                continue;
            }
            if (refused) {
                wait_for(refused);
                return;
            }
        } catch (...) {
            wait->fail(std::current_exception());
            wait = waiting_ == 0 ? nullptr : &waiters_.front();
            continue;
        }
        wait->granted();
        wait = waiting_ == 0 ? nullptr : &waiters_.front();
    }
}

}  // namespace weir
