#include "modules/lock/lock.h"

#include <stdexcept>

#include "core/wait/send.h"
#include "modules/lock/context.h"
#include "modules/lock/events.h"
#include "modules/lock/session.h"
#include "modules/lock/table.h"

namespace weir {

namespace {

Ref<LockState> make_state(const Scheduler& scheduler, IndexValue key, std::string_view context,
                          SessionRecord* session) {
    if (key.kind() == IndexValue::Kind::text && key.text().empty()) {
        throw std::invalid_argument("the key of a lock is empty");
    }
    LockTable& table = LockTable::of(scheduler);
    return Ref<LockState>(
        new LockState(Ref<LockTable>(&table), table.context(context), std::move(key), session));
}

Task<> take_and_tell(Ref<LockState> state, LockOwner owner) {
    try {
        co_await LockWait(state, {}, owner);
    } catch (const LockError&) {
        state->begin_error = std::current_exception();
    } catch (const FencingError&) {
        state->begin_error = std::current_exception();
    }
    const LockState* const locker = state.get();
    Ref<Event> taken = make_event<LockedEvent>(locker, state->context->value(), state->key, state);
    co_await send(std::move(taken));
}

}  // namespace

Lock::Lock(Scheduler& scheduler, IndexValue key, std::string_view context)
    : state_(make_state(scheduler, std::move(key), context, nullptr)) {}

Lock::Lock(LockSession& session, IndexValue key, std::string_view context)
    : state_(make_state(session.scheduler(), std::move(key), context, &session.record())) {
    session.add(*state_);
}

const std::string& Lock::context() const noexcept {
    return state_->context->name();
}

// Whether another routine takes it, or has failed to and no caller has been told why.
bool Lock::begun() const noexcept {
    return beginning_ != nullptr && !(beginning_->ended() && state_->begin_error);
}

template <class W>
W Lock::wait(std::optional<Duration> timeout) {
    if (begun() && !locked()) {
        const LockState* const locker = state_.get();
        return W(state_, timeout, Matcher(match<LockedEvent>(locker).make()));
    }
    return W(state_, timeout);
}

LockWait Lock::lock(std::optional<Duration> timeout) {
    return wait<LockWait>(timeout);
}

LockAcquire Lock::acquire(std::optional<Duration> timeout) {
    return wait<LockAcquire>(timeout);
}

bool Lock::try_lock() {
    if (locked()) {
        return true;
    }
    LockTable& table = *state_->table;
    // No waiter is overtaken.
    if (begun() || table.resolve(*state_).waiting() != 0) {
        return false;
    }
    Routine* const running = table.scheduler().current();
    return !table.take(*state_, table.owner_of(*state_, running), nullptr);
}

bool Lock::begin_lock(Container& container) {
    if (locked()) {
        return true;
    }
    if (begun()) {
        return false;
    }
    LockTable& table = *state_->table;
    state_->begin_error = nullptr;
    LockOwner owner = table.owner_of(*state_, table.scheduler().current());
    beginning_ = container.start(take_and_tell(state_, std::move(owner)),
                                 {.name = "lock", .foreground = true});
    return locked();
}

void Lock::unlock() noexcept {
    if (beginning_ != nullptr) {
        beginning_->close();
        beginning_.reset();
        state_->begin_error = nullptr;
    }
    state_->unlock();
}

}  // namespace weir
