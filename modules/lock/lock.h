#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "core/event/index_value.h"
#include "core/run/container.h"
#include "core/run/scheduler.h"
#include "core/run/task.h"
#include "core/run/watch.h"
#include "modules/lock/errors.h"
#include "modules/lock/guard.h"
#include "modules/lock/state.h"
#include "modules/lock/wait.h"

namespace weir {

class LockSession;
class LockTable;

// A lock on a key in a context. Of all locks on the same key and context one is held at a time, or
// as many as a semaphore allows, in the order in which they were asked for. A waiter that is
// closed, or whose timeout expires, leaves no trace.
//
// A lock belongs to the routine that takes it, or to the session for which it was made. It is given
// back when the object is destroyed: by the unwinding of its owner at the latest. It can be lost
// before, if the settings limit for how long it is held, if an administrator breaks it, or if it is
// shared with other processes (LockLost): a LockLostEvent says so.
//
// A ReadLock is held together with other ReadLocks of the key, and with no Lock. Both stand in one
// line: a ReadLock does not overtake a Lock that waits, and those that stand next to each other are
// granted together. An owner that holds a ReadLock and asks for a Lock on the same key would wait
// for itself: that throws UpgradeRefused. On a key with a semaphore each is a slot.
//
// Must outlive the waits for it: a wait whose Lock is destroyed fails with a LockError.
//
// Requires the queue that add_lock_queue makes: throws NoLockQueue when there is none. Throws
// std::invalid_argument if the key is an empty text. To be used on the scheduler's thread.
class Lock {
public:
    // An empty context is the default one.
    explicit Lock(Scheduler& scheduler, IndexValue key, std::string_view context = {});
    // Owned by a session, which must outlive it or be closed before.
    explicit Lock(LockSession& session, IndexValue key, std::string_view context = {});
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;
    ~Lock();

    const IndexValue& key() const noexcept { return state_.key; }
    const std::string& context() const noexcept;
    // Whether it is held together with others that read.
    bool reads() const noexcept { return state_.reads; }
    // Whether it is held, and certainly is no other owner's; see LockGuard.
    bool locked() const noexcept { return state_.held() && state_.event->valid(); }
    // How long that stays so, whatever happens from now on; see LockGuard.
    Duration valid_for() const noexcept {
        return state_.event == nullptr ? Duration::zero() : state_.event->valid_for();
    }
    // The fencing token of the last grant: larger than those of all grants before it.
    std::uint64_t token() const noexcept { return state_.token(); }

    // Returns its position in the line of the key while a routine waits for it: 1 is the next one,
    // 0 none waits. With a backend, a lower limit; see LockKey::position_of.
    std::size_t position() const noexcept;

    // co_await lock(): waits until the lock is held; returns false if the timeout expired before.
    // Returns at once if this object holds it already; if it has been begun, waits for that.
    // Throws, when awaited, LockLimitReached, DeadlockError, UpgradeRefused, LockSessionClosed,
    // NoLockQueue or FencingError. With a backend, a timeout of zero waits for the servers, but for
    // no other owner; throws LockBackendUnavailable if the servers cannot be reached until the
    // timeout.
    LockWait lock(std::optional<Duration> timeout = {});
    // The same, but returns a LockGuard.
    LockAcquire acquire(std::optional<Duration> timeout = {});
    // Takes the lock if that needs no wait; returns whether it is held. Throws as lock(). Throws
    // LockError if there is a backend, whose answer always has to be waited for: use lock(0s).
    bool try_lock();
    // Starts to take the lock in another routine, of the container, for the running one. Returns
    // whether it is held already.
    bool begin_lock(Container& container);
    // Gives the lock back, or cancels what begin_lock began.
    void unlock() noexcept;

    // Matches the LockLostEvents of this lock.
    Matcher lost_matcher() const;
    // Returns a callback for such an event: throws LockLost if it is about the present grant.
    std::function<void(const Ref<Event>&, std::size_t)> throw_if_lost() const;

protected:
    Lock(Scheduler& scheduler, IndexValue&& key, std::string_view context, bool reads);
    Lock(LockSession& session, IndexValue&& key, std::string_view context, bool reads);

private:
    bool begun() const noexcept;
    Task<> take_and_tell(LockOwner owner);
    template <class W>
    W wait(std::optional<Duration> timeout);

    friend class LockSession;

    Lock(LockTable& table, IndexValue&& key, std::string_view context, bool reads,
         SessionRecord* session);

    LockState state_;
};

// A lock to read what others, who hold a Lock on the key, write; see Lock.
class ReadLock final : public Lock {
public:
    explicit ReadLock(Scheduler& scheduler, IndexValue key, std::string_view context = {})
        : Lock(scheduler, std::move(key), context, true) {}
    explicit ReadLock(LockSession& session, IndexValue key, std::string_view context = {})
        : Lock(session, std::move(key), context, true) {}
};

// co_await with_lock(lock, task): runs the task while the lock is held; returns its result. If the
// lock is lost, unwinds the task and throws LockLost.
template <class T>
Task<T> with_lock(Lock& lock, Task<T> task) {
    const LockGuard held = co_await lock.acquire();
    const Matcher lost = lock.lost_matcher();
    auto watched = with_callback(std::move(task), lock.throw_if_lost(), lost);
    if constexpr (std::same_as<T, void>) {
        co_await watched;
    } else {
        co_return co_await watched;
    }
}

}  // namespace weir
