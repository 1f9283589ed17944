#include "modules/lock/wait.h"

#include "core/run/scheduler.h"
#include "modules/lock/context.h"
#include "modules/lock/errors.h"
#include "modules/lock/events.h"
#include "modules/lock/table.h"

namespace weir {

LockWait::LockWait(Ref<LockState> state, std::optional<Duration> timeout, Matcher begun)
    : state_(std::move(state)), timeout_(timeout), begun_(true) {
    events().add(std::move(begun));
}

LockWait::Events& LockWait::events() {
    if (events_ == nullptr) {
        events_ = std::make_unique<Events>();
    }
    return *events_;
}

void LockWait::give_up() noexcept {
    leave();
    if (unused_grant_) {
        state_->unlock();
    }
}

bool LockWait::begin(Routine& routine) {
    if (state_->locked) {
        return false;
    }
    LockTable& table = *state_->table;
    if (!begun_) {
        if (!owner_given_) {
            owner_ = table.owner_of(*state_, &routine);
        }
        try {
            LockKey& key = table.resolve(*state_);
            Matcher refused;
            // Who comes now stands behind those who wait already.
            if (key.waiting() == 0) {
                refused = table.take(*state_, owner_, nullptr);
                if (!refused) {
                    return false;
                }
            }
            if (timeout_ && *timeout_ <= Duration::zero()) {
                timed_out_ = true;
                return false;
            }
            table.check_limits(*state_);
            line_up(refused);
            if (interruption()) {
                return false;
            }
        } catch (...) {
            set_interruption(std::current_exception());
            leave();
            return false;
        }
    }
    if (timeout_) {
        events().timer = table.scheduler().set_timer(*timeout_);
        events().add(events().timer.matcher());
    }
    return true;
}

void LockWait::line_up(const Matcher& refused) {
    LockTable& table = *state_->table;
    LockKey& key = *state_->place;
    since_ = table.scheduler().time_of_round();
    if (refused) {
        key.wait_for(refused);
    }
    table.add(*this);
    if (key.has_place()) {
        table.serve_later(key);
    }
    table.look_for_deadlock(*this);
}

void LockWait::leave() noexcept {
    if (waiting()) {
        state_->table->remove(*this);
    }
}

void LockWait::granted() noexcept {
    leave();
    unused_grant_ = true;
    routine_->wait_is_over(*this);
}

void LockWait::fail(std::exception_ptr error) noexcept {
    leave();
    ++state_->context->statistics_.failed;
    set_interruption(std::move(error));
    if (routine_ != nullptr) {
        routine_->wait_is_over(*this);
    }
}

std::span<const Matcher> LockWait::matchers() const noexcept {
    if (events_ == nullptr) {
        return {};
    }
    return {events_->matchers.data(), events_->count};
}

Wait::Then LockWait::matched(const Ref<Event>&, Subscription& subscription) {
    if (begun_ && subscription.position == 0) {
        return Then::resume;
    }
    leave();
    timed_out_ = true;
    ++state_->context->statistics_.timed_out;
    return Then::resume;
}

bool LockWait::await_resume() {
    if (events_ != nullptr) {
        events_->timer.cancel();
    }
    check_interrupted();
    if (begun_ && !timed_out_ && !state_->locked && state_->begin_error) {
        std::rethrow_exception(state_->begin_error);
    }
    unused_grant_ = false;
    return !timed_out_;
}

std::string LockWait::describe() const {
    return describe_lock(*state_);
}

}  // namespace weir
