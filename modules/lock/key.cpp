#include "modules/lock/key.h"

#include "core/run/scheduler.h"
#include "modules/lock/context.h"
#include "modules/lock/request.h"

namespace weir {

// Waits for a signal on behalf of the waiters of a key.
class LockKey::Signal final : public Subscriber, public pool::Pooled {
public:
    explicit Signal(LockKey& key) noexcept : Subscriber(key.home().scheduler()), key_(key) {}
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
    void matched(const Ref<Event>&, Subscription&) noexcept override { key_.home().serve(key_); }
    void quit() noexcept override {}
    void close_at_end() noexcept override {}

    LockKey& key_;
};

LockKey::LockKey(LockHome& home, LockContext* context, const IndexValue& key)
    : home_(home), context_(context), key_(key) {}

LockKey::~LockKey() {
    if (map_ != nullptr) {
        map_->erase(*this);
    }
}

bool LockKey::may_join(const LockRequest& waiter) const noexcept {
    if (!admits_readers()) {
        return false;
    }
    for (const LockRequest& before : waiters_) {
        if (!before.state().reads) {
            return false;
        }
        if (&before == &waiter) {
            break;
        }
    }
    return true;
}

std::size_t LockKey::position_of(const LockState& lock) const noexcept {
    std::size_t position = waiting_ == 0 ? 0 : waiters_.front().ahead();
    for (const LockRequest& waiter : waiters_) {
        ++position;
        if (&waiter.state() == &lock) {
            return position;
        }
    }
    return 0;
}

bool LockKey::next_may_join() const noexcept {
    return admits_readers() && waiting_ != 0 && waiters_.front().state().reads;
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
    if (signal != can_write_ || others_wait_ || home_.scheduler().traced()) {
        subscribe(signal);
    } else {
        unsubscribe();  // the queue has the key served itself: LockQueue::has_place
    }
}

void LockKey::unsubscribe() noexcept {
    if (signal_ != nullptr) {
        signal_->stop();
    }
}

}  // namespace weir
