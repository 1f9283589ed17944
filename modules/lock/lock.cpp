#include "modules/lock/lock.h"

#include <stdexcept>

#include "core/wait/send.h"
#include "modules/lock/context.h"
#include "modules/lock/events.h"
#include "modules/lock/table.h"

namespace weir {

Lock::Lock(LockTable& table, IndexValue&& key, std::string_view context, bool reads,
           SessionRecord* session)
    : state_(table, context.empty() ? table.context() : table.context(context), std::move(key),
             reads, session) {
    if (state_.key.kind() == IndexValue::Kind::text && state_.key.text().empty()) {
        throw std::invalid_argument("the key of a lock is empty");
    }
}

Lock::Lock(Scheduler& scheduler, IndexValue&& key, std::string_view context, bool reads)
    : Lock(LockTable::of(scheduler), std::move(key), context, reads, nullptr) {}

Lock::Lock(Scheduler& scheduler, IndexValue key, std::string_view context)
    : Lock(LockTable::of(scheduler), std::move(key), context, false, nullptr) {}

Lock::~Lock() {
    unlock();
    if (state_.waiting != 0 || !state_.waiting_for_beginning.empty()) [[unlikely]] {
        LockTable::abandon(state_);
    }
}

std::size_t Lock::position() const noexcept {
    return state_.waiting == 0 ? 0 : state_.place->position_of(state_);
}

const std::string& Lock::context() const noexcept {
    return state_.context->name();
}

// Whether another routine takes it, or has failed to and no caller has been told why.
bool Lock::begun() const noexcept {
    const LockBeginning* const beginning = state_.beginning.get();
    return beginning != nullptr && !(beginning->routine->ended() && beginning->error);
}

template <class W>
W Lock::wait(std::optional<Duration> timeout) {
    if (begun() && !state_.check_held()) {
        return W(state_, timeout, Matcher(match<LockedEvent>(&state_).make()));
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
    if (state_.check_held()) {
        return true;
    }
    LockTable& table = table_of(state_);
    if (table.backend() != nullptr) [[unlikely]] {
        throw LockError(describe_lock(state_) +
                        ": servers decide about it, whose answer has to be waited for: try_lock "
                        "cannot take it, lock with a timeout of 0 can");
    }
    // No waiter is overtaken.
    if (begun() || table.resolve(state_).waiting() != 0) {
        return false;
    }
    LockOwner owner{Ref<Routine>(table.scheduler().current()), state_.session};
    return !table.take(state_, owner, nullptr);
}

// The body of the routine that begin_lock starts. It ends before the Lock does.
Task<> Lock::take_and_tell(LockOwner owner) {
    try {
        co_await LockWait(state_, {}, owner);
    } catch (const LockError&) {
        state_.beginning->error = std::current_exception();
    } catch (const FencingError&) {
        state_.beginning->error = std::current_exception();
    }
    Ref<Event> taken = make_event<LockedEvent>(&state_, state_.context->value(), state_.key);
    co_await send(std::move(taken));
}

bool Lock::begin_lock(Container& container) {
    if (state_.check_held()) {
        return true;
    }
    if (begun()) {
        return false;
    }
    state_.beginning = std::make_unique<LockBeginning>();
    LockOwner owner{Ref<Routine>(state_.home->scheduler().current()), state_.session};
    try {
        state_.beginning->routine =
            container.start(take_and_tell(std::move(owner)), {.name = "lock", .foreground = true});
    } catch (...) {
        state_.beginning.reset();
        throw;
    }
    return locked();
}

Matcher Lock::lost_matcher() const {
    return match<LockLostEvent>(any, any, &state_, any).make();
}

std::function<void(const Ref<Event>&, std::size_t)> Lock::throw_if_lost() const {
    return [this, token = token()](const Ref<Event>& event, std::size_t) {
        const auto& lost = event->as<LockLostEvent>();
        if (lost.token == token) {
            throw LockLost(describe_lock(state_) + ": " + lost.reason);
        }
    };
}

void Lock::unlock() noexcept {
    if (state_.beginning != nullptr) {
        state_.beginning->routine->close();
        state_.beginning.reset();
    }
    state_.give_back();
}

}  // namespace weir
