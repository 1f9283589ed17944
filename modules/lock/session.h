#pragma once

#include <concepts>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/run/scheduler.h"
#include "modules/lock/allowance.h"
#include "modules/lock/lock.h"
#include "modules/lock/state.h"

namespace weir {

// How a lock shares its key with other locks.
enum class LockMode {
    by_key,     // as the key has it: alone, or one slot of its semaphore
    exclusive,  // alone; fails with NotExclusive on a key that has a semaphore
    shared,     // one slot of the key's semaphore; fails with NoSemaphore if there is none
    read,       // with others that read; fails with NotExclusive on a key that has a semaphore
};

// An owner of locks that is not a routine, such as the connection of a client. When it is closed or
// destroyed, its locks are given back and its waits end with LockSessionClosed.
//
// Locks are made for it with Lock(session, key), or kept in it by key with acquire() and release().
class LockSession final : private LockLossListener {
    using Key = std::pair<std::string, IndexValue>;  // context and key

    struct Kept {
        Kept(LockSession& session, const Key& key, bool reads, LockAllowances::Share of_client)
            : share(std::move(of_client)),
              lock(session, IndexValue(key.second), key.first, reads) {}
        const LockAllowances::Share share;
        Lock lock;
        std::size_t uses = 0;
        LockMode mode = LockMode::by_key;  // in which it was taken
    };
    using Locks = std::map<Key, Kept>;

public:
    // The name is for listings. `client`: whose locks it holds, which together take the memory of
    // one client at most; "": no client's, and there is no limit. See LockSettings::max_held.
    LockSession(Scheduler& scheduler, std::string name, std::string client = {})
        : scheduler_(scheduler),
          record_{.name = std::move(name), .listener = this},
          client_(std::move(client)) {}
    LockSession(const LockSession&) = delete;
    LockSession& operator=(const LockSession&) = delete;
    ~LockSession() { close(); }

    Scheduler& scheduler() const noexcept { return scheduler_; }
    const std::string& name() const noexcept { return record_.name; }
    // From now on it takes locks for this client.
    void set_client(std::string client) noexcept {
        client_ = std::move(client);
        account_ = nullptr;
    }
    bool closed() const noexcept { return record_.closed; }
    // The number of locks that it holds.
    std::size_t held() const noexcept { return record_.claims.held; }
    // The locks that were taken away from it, and that it has neither released nor taken again
    // since: the latest 1,000.
    const std::vector<LostLock>& lost() const noexcept { return lost_; }
    bool has_lost(const IndexValue& key, const std::string& context = "default") const;
    // Matches the LockLostEvents of its locks.
    Matcher lost_matcher() const;
    // Lets the listener, or with null no object, be told of each.
    void set_listener(LockLossListener* listener) noexcept { listener_ = listener; }

    // Keeps a lock in the session while it is being acquired: what acquire() returns. The session
    // must outlive it. Once the routine waits in it, destroying it cancels the wait.
    class [[nodiscard]] Acquiring {
    public:
        Acquiring(LockSession& session, Key key, std::optional<Duration> timeout, LockMode mode);
        Acquiring(const Acquiring&) = delete;
        Acquiring& operator=(const Acquiring&) = delete;
        ~Acquiring();

        // Takes the lock if that needs no wait; returns whether the session holds it. Throws what
        // awaiting throws.
        bool await_ready();
        // The same for a caller that does not wait; throws as Lock::try_lock.
        bool try_now();
        template <InRoutine Promise>
        bool await_suspend(std::coroutine_handle<Promise> coroutine,
                           const std::source_location& at = std::source_location::current()) {
            return wait_.await_suspend(coroutine, at);
        }
        // Returns the fencing token; nothing if the timeout expired before.
        std::optional<std::uint64_t> await_resume();

    private:
        LockSession& session_;
        const LockMode mode_;
        const Locks::iterator kept_;
        LockWait wait_;
        bool ready_ = false;
    };

    // co_await acquire(...): waits until the session holds the lock; returns the fencing token, or
    // nothing if the timeout expired before. If the session holds it already, returns its token at
    // once; one that is exclusive serves to read, too. Throws as Lock::lock, and if the mode does
    // not fit the key. Several routines may wait at a time.
    Acquiring acquire(IndexValue key, std::string context = "default",
                      std::optional<Duration> timeout = {}, LockMode mode = LockMode::by_key) {
        return Acquiring(*this, Key(std::move(context), std::move(key)), timeout, mode);
    }
    // The same if that needs no wait; returns nothing otherwise.
    std::optional<std::uint64_t> try_acquire(IndexValue key, std::string context = "default",
                                             LockMode mode = LockMode::by_key);
    // Returns whether acquire() or try_acquire() has taken the lock, and it was neither given back
    // nor taken away.
    bool holds(const IndexValue& key, const std::string& context = "default") const;
    // Returns how long a backend certainly keeps the lock for this process, whatever happens from
    // now on; Duration::max() if none decides about locks, zero if the session does not hold it.
    Duration confirmed_for(const IndexValue& key, const std::string& context = "default") const;
    // Returns the shortest of these times of all locks that it has taken so; Duration::max() if it
    // holds none.
    Duration confirmed_for() const noexcept;
    // Returns the position of its wait for the lock; see Lock::position().
    std::size_t position(const IndexValue& key, const std::string& context = "default") const;
    // Gives the lock back; returns false if acquire() or try_acquire() did not take it. Throws
    // LockLost, once, if the lock was taken away from the session.
    bool release(const IndexValue& key, const std::string& context = "default");

    // Ends its waits and gives its locks back. It can take no lock afterwards.
    void close() noexcept;

private:
    friend class Lock;

    Locks::iterator use(Key key, bool reads);
    LockAllowances::Share share_of(const Key& key);
    void end_use(Locks::iterator kept) noexcept;
    void end_waits(const LockState& state) noexcept;
    void check(Kept& kept, LockMode mode) const;
    void lock_lost(const LostLock& lost) noexcept override;
    std::optional<LostLock> forget_lost(const Key& key);

    Scheduler& scheduler_;
    SessionRecord record_;
    std::string client_;
    Ref<LockAllowances::Account> account_;  // the client's; null: not needed yet
    Locks kept_;
    std::vector<LostLock> lost_;  // the oldest first
    LockLossListener* listener_ = nullptr;
};

}  // namespace weir
