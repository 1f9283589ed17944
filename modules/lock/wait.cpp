#include "modules/lock/wait.h"

#include "core/run/scheduler.h"
#include "modules/lock/errors.h"
#include "modules/lock/table.h"

namespace weir {

LockWait::LockWait(LockState& state, std::optional<Duration> timeout, Matcher begun)
    : LockRequest(state), timeout_(timeout), begun_(true) {
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
        state_->give_back();
    }
}

inline void LockWait::take_or_line_up(Routine& routine) {
    LockTable& table = table_of(*state_);
    if (!owner_given_) {
        owner_ = {Ref<Routine>(&routine), state_->session};
    }
    Matcher refused;
    LockKey& key = table.resolve(*state_);
    const bool remote = table.backend() != nullptr;
    // A new waiter stands behind those that wait already.
    if (key.waiting() == 0 && !remote) [[likely]] {
        refused = table.take(*state_, owner_, nullptr);
        if (!refused) {
            return;
        }
    }
    if (only_tries() && !(remote && key.waiting() == 0 && key.slots_for(state_->reads) != 0)) {
        timed_out_ = true;
        return;
    }
    if (key.reading() != 0 && !state_->reads) [[unlikely]] {
        LockTable::refuse_upgrade(*state_, owner_);
    }
    table.check_limits(*state_);
    table.line_up(*this, refused);
}

bool LockWait::begin(Routine& routine) {
    if (state_->check_held()) {
        return false;
    }
    if (begun_) {
        state_->waiting_for_beginning.push_back(*this);
    } else {
        try {
            take_or_line_up(routine);
        } catch (...) {
            set_interruption(std::current_exception());
            leave();
        }
        if (!lined_up()) {
            return false;
        }
    }
    if (timeout_ && !(lined_up() && only_tries())) {
        events().timer = state_->home->scheduler().set_timer(*timeout_);
        events().add(events().timer.matcher());
    }
    return true;
}

void LockWait::leave() noexcept {
    if (lined_up()) {
        table_of(*state_).remove(*this);
    }
}

void LockWait::granted() noexcept {
    unused_grant_ = true;
    routine_->wait_is_over(*this);
}

void LockWait::not_free() noexcept {
    leave();
    timed_out_ = true;
    routine_->wait_is_over(*this);
}

void LockWait::fail(std::exception_ptr error) noexcept {
    leave();
    ++state_->context->statistics().failed;
    set_interruption(std::move(error));
    if (routine_ != nullptr) {
        routine_->wait_is_over(*this);
    }
}

// The routine is not resumed in the destructor of the Lock, but in its turn.
void LockWait::lock_is_gone() noexcept {
    try {
        set_interruption(std::make_exception_ptr(
            LockError(describe_lock(*state_) + ": the Lock was destroyed during the wait")));
    } catch (...) {
        set_interruption(std::current_exception());
    }
    Scheduler& scheduler = state_->home->scheduler();
    leave();
    Link<LockRequest, LockKey>::unlink();
    state_ = nullptr;
    try {
        scheduler.make_ready(*routine_);
    } catch (...) {
        routine_->wait_is_over(*this);  // there is no memory for doing it later
    }
}

void LockWait::take_turn() noexcept {
    routine_->wait_is_over(*this);
}

std::span<const Matcher> LockWait::matchers() const noexcept {
    if (events_ == nullptr) {
        return {};
    }
    return {events_->matchers.data(), events_->count};
}

Wait::Then LockWait::matched(const Ref<Event>&, Subscription& subscription) {
    if (state_ == nullptr) {
        return Then::resume;
    }
    if (begun_ && subscription.position == 0) {
        // The event may be that of an earlier Lock at the same address.
        const LockBeginning* const beginning = state_->beginning.get();
        return state_->held() || beginning == nullptr || beginning->error ? Then::resume
                                                                          : Then::wait_on;
    }
    std::string obstacle = table_of(*state_).obstacle();
    if (obstacle.empty() && !is_known_taken()) {
        obstacle =
            "the servers have not answered in time: it is not known whether the lock is free";
    }
    leave();
    timed_out_ = true;
    ++state_->context->statistics().timed_out;
    if (!obstacle.empty()) {
        set_interruption(std::make_exception_ptr(
            LockBackendUnavailable(describe_lock(*state_) + ": " + obstacle)));
    }
    return Then::resume;
}

bool LockWait::await_resume() {
    if (events_ != nullptr) {
        events_->timer.cancel();
    }
    check_interrupted();
    if (begun_ && !timed_out_ && !state_->held() && state_->beginning != nullptr &&
        state_->beginning->error) {
        std::rethrow_exception(state_->beginning->error);
    }
    unused_grant_ = false;
    return !timed_out_;
}

std::string LockWait::describe() const {
    return state_ != nullptr ? describe_lock(*state_) : "a lock whose Lock was destroyed";
}

}  // namespace weir
