#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/run/container.h"
#include "core/simulation/boot_clock.h"
#include "modules/zookeeper/contenders.h"
#include "modules/zookeeper/session.h"

namespace weir::zookeeper {

class RemoteLocks;

// A lock on a node, held by this process until this is destroyed or the session ends. A handle that
// can be moved.
class [[nodiscard]] RemoteLock {
public:
    RemoteLock() noexcept = default;
    RemoteLock(RemoteLock&& other) noexcept { swap(other); }
    RemoteLock& operator=(RemoteLock&& other) noexcept {
        swap(other);
        return *this;
    }
    ~RemoteLock() { release(); }

    // Whether the lock was granted, not released, and certainly is no other client's now. Compares
    // the clock, so that a process that was suspended does not believe in a lost lock.
    explicit operator bool() const noexcept { return valid_for() > Duration::zero(); }
    // How long it certainly stays so, whatever happens from now on; not positive: it is lost.
    Duration valid_for() const noexcept;
    BootTime valid_until() const noexcept;
    // Grows with each grant of an exclusive lock (czxid of its node): a resource that remembers the
    // largest one can refuse a client that has lost the lock and does not know it.
    std::int64_t token() const noexcept { return token_; }
    const std::string& path() const noexcept { return path_; }  // of its node

    // Gives the lock back: its node is deleted as soon as servers can be reached.
    void release() noexcept;

private:
    friend class RemoteLocks;
    RemoteLock(RemoteLocks& locks, std::string path, std::int64_t session,
               std::int64_t token) noexcept
        : locks_(&locks), path_(std::move(path)), session_(session), token_(token) {}
    void swap(RemoteLock& other) noexcept;

    RemoteLocks* locks_ = nullptr;  // null: nothing is held
    std::string path_;
    std::int64_t session_ = 0;
    std::int64_t token_ = 0;
};

struct RemoteLockOptions {
    // Written to each node, for people: who waits there.
    std::string owner = {};
    // Which recipe of Curator shares the locks that exclude all others.
    WriterName writers = WriterName::lock;
    // A waiter lists the others anew so often, whatever its watch says.
    Duration look_again = std::chrono::seconds(30);
};

// Locks and semaphores that processes on many machines share through ZooKeeper, first come, first
// served:
//
//     RemoteLocks locks(session);
//     RemoteLock lock = co_await locks.lock("/locks/report");
//     if (lock) {
//         write_report(lock.token());
//     }
//
// The recipe is that of ZooKeeper's documentation and of Curator. Each client makes an ephemeral
// sequential node, and holds the lock while its node is the first. It waits for the node before its
// own, so that a release wakes one client. An answer that was lost leaves no node behind: its name
// has a random id, by which the client finds it.
//
// A grant that comes when the session is not certainly alive is not taken. After an expiry a
// waiter queues anew, at the end.
//
// The node of a lock is a container, which the servers delete some time after its last child.
// Belongs to the scheduler's thread. The session must outlive this, and this its locks.
class RemoteLocks : private Container {
public:
    explicit RemoteLocks(Session& session, RemoteLockOptions options = {});
    ~RemoteLocks() override;

    using Container::scheduler;
    Session& session() const noexcept { return session_; }

    // Waits for the lock. Returns one that is false at the deadline. Throws ClosedError, and
    // RefusedError if the servers do not allow it.
    Task<RemoteLock> lock(std::string path, Time deadline = no_deadline);
    // Waits for one of `size` slots. Clients that name another size, or want the lock alone, come
    // before or after, in the same order, and never together with those of this size. While it
    // waits for others, notes in `ahead` how many before it wait too, as of when it looked last.
    Task<RemoteLock> slot(std::string path, std::size_t size, Time deadline = no_deadline,
                          std::optional<std::size_t>* ahead = nullptr);
    // Waits until no contender before it wants the lock alone, or a slot: holds it together with
    // others that read.
    Task<RemoteLock> read_lock(std::string path, Time deadline = no_deadline);
    // The same as slot() if no other client has to give up a slot first; otherwise returns one that
    // is false. Waits for the servers only: throws UnavailableError if they have not answered until
    // the deadline.
    Task<RemoteLock> try_slot(std::string path, std::size_t size, Time deadline);

    // Nodes of locks that were released or given up, and are not deleted yet.
    std::size_t leaving() const noexcept { return leaving_; }
    // Waits until there are none.
    Task<> all_left();

private:
    friend class RemoteLock;

    // A node, or, after a lost answer, perhaps one or more, known by the begin of the name.
    struct Leaving {
        std::string parent;
        std::string name;  // or prefix
        bool in_doubt = false;
        std::int64_t session = 0;
    };
    class Attempt;

    void leave(Leaving node) noexcept;
    Task<> let_go(Leaving node);
    Task<bool> remove(Leaving node);
    Task<> remove_by_prefix(Leaving node);

    Session& session_;
    const RemoteLockOptions options_;
    std::size_t leaving_ = 0;
    Source changed_;
};

// Leads: holds the lock of the path while the task that `work` makes runs, and unwinds the task
// when the lock is no longer certainly held. Returns whether the task has ended by itself; false:
// leadership was lost, call it again. The lock is handed to `work`, for its token.
Task<bool> lead(RemoteLocks& locks, std::string path,
                std::function<Task<>(const RemoteLock& leadership)> work);

}  // namespace weir::zookeeper
