#include "modules/lock/lock_key.h"

#include "core/scheduler.h"
#include "modules/lock/lock_context.h"
#include "modules/lock/lock_table.h"
#include "modules/lock/lock_wait.h"

namespace weir {

LockKey::LockKey(LockTable& table, LockContext* context, IndexValue key)
    : Subscriber(table.scheduler()), table_(table), context_(context), key_(std::move(key)) {}

LockKey::~LockKey() {
    if (map_ != nullptr) {
        map_->erase(*this);
    }
    scheduler().unsubscribe_all(*this);
}

void LockKey::matched(const Ref<Event>&, Subscription&) noexcept {
    serve();
}

void LockKey::wait_for(const Matcher& signal) {
    if (!subscriptions_.empty()) {
        if (subscriptions_.front().matcher == signal) {
            return;
        }
        scheduler().unsubscribe_all(*this);
    }
    scheduler().subscribe(*this, signal);
}

void LockKey::add(LockWait& wait) noexcept {
    waiters_.push_back(wait);
    ++waiting_;
}

void LockKey::remove(LockWait& wait) noexcept {
    List<LockWait, LockKey>::remove(wait);
    if (--waiting_ == 0) {
        scheduler().unsubscribe_all(*this);
    }
}

void LockKey::serve() noexcept {
    const Ref<LockKey> keep(this);
    LockWait* wait = waiting_ == 0 ? nullptr : &waiters_.front();
    while (wait != nullptr) {
        LockState& state = wait->state();
        if (state.locked) {
            // The same Lock is waited for twice; the others need not wait for that.
            wait = waiters_.next(*wait);
            continue;
        }
        Matcher refused;
        try {
            refused = table_.take(state, wait->owner(), wait);
            if (refused && has_place()) {
                // There is a place, but not for this one: its own event is still on its way out.
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
