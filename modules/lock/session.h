#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "core/base/clock.h"
#include "core/base/list.h"
#include "core/run/scheduler.h"
#include "core/run/task.h"
#include "modules/lock/lock.h"
#include "modules/lock/state.h"

namespace weir {

// An owner of locks that is no routine, such as a client's connection: what is held for it is given
// back, and what is waited for ends with LockSessionClosed, when it is closed or destroyed.
//
// Locks are made for it with Lock(session, key), or kept in it by key with acquire() and release().
class LockSession {
public:
    // The name is for listings.
    LockSession(Scheduler& scheduler, std::string name)
        : scheduler_(scheduler), name_(std::move(name)) {}
    LockSession(const LockSession&) = delete;
    LockSession& operator=(const LockSession&) = delete;
    ~LockSession() { close(); }

    Scheduler& scheduler() const noexcept { return scheduler_; }
    const std::string& name() const noexcept { return name_; }
    bool closed() const noexcept { return closed_; }
    // The number of locks that acquire() and try_acquire() hold.
    std::size_t held() const noexcept;

    // co_await acquire(...): waits until the session holds the lock; gives the fencing token, or
    // nothing if the time was over before. If it holds it already, gives that token at once.
    // Throws as Lock::lock. Several may wait at a time.
    Task<std::optional<std::uint64_t>> acquire(IndexValue key, std::string context = "default",
                                               std::optional<Duration> timeout = {});
    // The same if it is possible at once; nothing otherwise.
    std::optional<std::uint64_t> try_acquire(const IndexValue& key,
                                             const std::string& context = "default");
    // Gives the lock back; false if acquire() or try_acquire() did not take it.
    bool release(const IndexValue& key, const std::string& context = "default");

    // Nothing can be taken afterwards.
    void close() noexcept;

    // For Lock.
    void add(LockState& state) noexcept;

private:
    struct Kept {
        Kept(LockSession& session, const IndexValue& key, const std::string& context)
            : lock(session, key, context) {}
        Lock lock;
        std::size_t waits = 0;
    };
    using Key = std::pair<std::string, IndexValue>;
    class Use;

    Kept& keep(const Key& key);
    void forget_if_unused(const Key& key) noexcept;

    Scheduler& scheduler_;
    const std::string name_;
    bool closed_ = false;
    List<LockState, LockSession> locks_;
    std::map<Key, Kept> kept_;
};

}  // namespace weir
