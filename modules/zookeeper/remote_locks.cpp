#include "modules/zookeeper/remote_locks.h"

#include <algorithm>
#include <new>

#include "core/run/random_id.h"
#include "core/run/scheduler.h"
#include "core/wait/future.h"
#include "core/wait/timeout.h"
#include "modules/zookeeper/path.h"

namespace weir::zookeeper {
namespace {

// Between attempts to delete a node while no server can be reached.
constexpr Duration pause_between_attempts = std::chrono::milliseconds(100);

}  // namespace

// --- RemoteLock

void RemoteLock::swap(RemoteLock& other) noexcept {
    std::swap(locks_, other.locks_);
    std::swap(path_, other.path_);
    std::swap(session_, other.session_);
    std::swap(token_, other.token_);
}

BootTime RemoteLock::valid_until() const noexcept {
    return locks_ != nullptr && locks_->session().id() == session_ ? locks_->session().valid_until()
                                                                   : BootTime();
}

Duration RemoteLock::valid_for() const noexcept {
    return locks_ == nullptr ? Duration::zero()
                             : valid_until() - boot_time(locks_->scheduler().poller());
}

void RemoteLock::release() noexcept {
    if (RemoteLocks* const locks = std::exchange(locks_, nullptr)) {
        locks->leave({std::string(parent_of(path_)), std::string(name_of(path_)), false, session_});
    }
}

// --- an attempt to get one

// The node of one waiter, in one session. Whatever happens to the waiter, the node is deleted.
class RemoteLocks::Attempt {
public:
    // `tries`: gives up instead of waiting for other clients.
    Attempt(RemoteLocks& locks, std::string path, std::size_t size, Time deadline, bool tries,
            std::optional<std::size_t>* ahead = nullptr)
        : locks_(locks),
          session_(locks.session_),
          path_(std::move(path)),
          size_(size),
          deadline_(deadline),
          tries_(tries),
          ahead_(ahead) {}
    Attempt(const Attempt&) = delete;
    Attempt& operator=(const Attempt&) = delete;
    ~Attempt() { leave(); }

    Task<RemoteLock> run();

private:
    bool is_over() const { return session_.scheduler().now() >= deadline_; }
    void begin_anew();
    void leave() noexcept;
    Task<> make();
    Task<bool> look(std::vector<std::string> names);
    Task<> adopt(std::string name);
    Task<> wait(std::string before);
    Task<> wait_for_children();

    RemoteLocks& locks_;
    Session& session_;
    const std::string path_;
    const std::size_t size_;
    const Time deadline_;
    const bool tries_;
    std::optional<std::size_t>* const ahead_;
    bool not_free_ = false;  // other clients hold the lock, or wait for it

    std::int64_t in_ = 0;     // the session
    std::string prefix_;      // of the node's name
    std::string name_;        // of the node; empty: it is not there yet, or not known
    std::int64_t token_ = 0;  // its czxid
    bool in_doubt_ = false;   // there may be one or more nodes with the prefix
    std::optional<std::vector<std::string>>
        listed_;  // by the request behind that which has made it
};

// A new id for each session: the nodes of an expired one may be listed for a while.
void RemoteLocks::Attempt::begin_anew() {
    leave();
    in_ = session_.id();
    prefix_ = contender_prefix(
        random_id(session_.scheduler().poller()) + random_id(session_.scheduler().poller()), size_,
        locks_.options_.writers);
    if (ahead_ != nullptr) {
        ahead_->reset();
    }
}

void RemoteLocks::Attempt::leave() noexcept {
    if (in_doubt_) {
        locks_.leave({path_, prefix_, true, in_});
    } else if (!name_.empty()) {
        locks_.leave({path_, name_, false, in_});
    }
    in_doubt_ = false;
    name_.clear();
}

Task<RemoteLock> RemoteLocks::Attempt::run() {
    while (!is_over() && !not_free_) {
        try {
            if (in_ == 0 || session_.id() != in_) {
                co_await session_.connected(deadline_);
                begin_anew();
            }
            if (name_.empty()) {
                co_await make();
            }
            if (name_.empty()) {
                continue;  // its parent was missing
            }
            if (!listed_) {
                const Children listed = co_await session_.children(path_, deadline_);
                listed_ = listed.names;
            }
            const bool granted = co_await look(*std::exchange(listed_, std::nullopt));
            // A late grant is not taken: the session may have expired, and another has the lock.
            if (granted && session_.id() == in_ && session_.valid()) {
                co_return RemoteLock(locks_, child_of(path_, std::exchange(name_, {})), in_,
                                     token_);
            }
            if (granted) {
                begin_anew();
            }
        } catch (const RefusedError& error) {
            if (error.code() != Code::no_node) {
                throw;
            }
            name_.clear();  // an administrator has deleted it, and its parent
        } catch (const InDoubtError&) {
            // make() has noted it.
        } catch (const UnavailableError&) {
            // No server until the deadline.
        } catch (const SessionExpiredError&) {
            in_doubt_ = false;  // whatever there was is gone
            name_.clear();
            in_ = 0;
        }
    }
    if (tries_ && !not_free_) {
        throw UnavailableError("taking a slot of '" + path_ + "': no server has answered in time");
    }
    co_return RemoteLock();
}

// Makes the node, and lists all behind it: one round trip instead of two. The list is of the server
// that has done the create, so that it shows every node that was made before.
Task<> RemoteLocks::Attempt::make() {
    listed_.reset();
    const std::string begin = child_of(path_, prefix_);
    auto making = session_.create(begin, locks_.options_.owner, CreateMode::ephemeral_sequential,
                                  open_acl(), deadline_);
    auto listing = session_.children(path_, deadline_);
    bool has_parent = true;
    // Also if the routine is unwound before the answer.
    const bool in_doubt_before = std::exchange(in_doubt_, true);
    try {
        const Created made = co_await making;
        name_ = name_of(made.path);
        token_ = made.stat.czxid;
    } catch (const RefusedError& error) {
        in_doubt_ = in_doubt_before;
        if (error.code() != Code::no_node) {
            throw;
        }
        has_parent = false;
    } catch (const UnavailableError&) {
        in_doubt_ = in_doubt_before;
        throw;
    }
    in_doubt_ = in_doubt_before;
    if (!has_parent) {
        co_await session_.create_all(path_, CreateMode::container, deadline_);
        co_return;
    }
    const Children listed = co_await listing;
    listed_ = listed.names;
}

// Returns whether the node is one of the first; otherwise waits until it may be.
Task<bool> RemoteLocks::Attempt::look(std::vector<std::string> names) {
    const Contenders contenders(names);
    const std::vector<std::size_t> own = contenders.find(prefix_);
    if (own.empty()) {
        // Somebody has deleted it, or it could not be made.
        name_.clear();
        in_doubt_ = false;
        co_return false;
    }
    // The answer to an earlier create was lost: the first node counts, the others go.
    for (std::size_t i = 1; i < own.size(); ++i) {
        locks_.leave({path_, contenders[own[i]], false, in_});
    }
    if (in_doubt_ || contenders[own.front()] != name_) {
        co_await adopt(contenders[own.front()]);
    }
    if (name_.empty() || contenders.grants(own.front())) {
        co_return !name_.empty();
    }
    if (ahead_ != nullptr) {
        *ahead_ = contenders.waiting_before(own.front());
    }
    if (tries_) {
        not_free_ = true;
    } else if (size_ == 1 || size_ == readers) {
        co_await wait(contenders[contenders.obstacle_of(own.front())]);
    } else {
        co_await wait_for_children();
    }
    co_return false;
}

// Takes a node with the id for the own one, and learns its token.
Task<> RemoteLocks::Attempt::adopt(std::string name) {
    const std::optional<Stat> found = co_await session_.exists(child_of(path_, name), deadline_);
    in_doubt_ = false;
    name_.clear();
    if (found && found->ephemeral_owner == in_) {
        name_ = std::move(name);
        token_ = found->czxid;
    }
}

Task<> RemoteLocks::Attempt::wait(std::string before) {
    Watch watch;
    bool is_gone = false;
    try {
        co_await session_.get(child_of(path_, before), watch, deadline_);
    } catch (const RefusedError& error) {
        if (error.code() != Code::no_node) {
            throw;
        }
        is_gone = true;
    }
    if (!is_gone) {
        const Time again = session_.scheduler().now() + locks_.options_.look_again;
        co_await watch.changed(std::min(deadline_, again));
    }
}

// To watch the node `size` before the own one would miss releases of others.
Task<> RemoteLocks::Attempt::wait_for_children() {
    Watch watch;
    const Children listed = co_await session_.children(path_, watch, deadline_);
    const Contenders contenders(listed.names);
    const std::vector<std::size_t> own = contenders.find(prefix_);
    if (!own.empty() && !contenders.grants(own.front())) {
        const Time again = session_.scheduler().now() + locks_.options_.look_again;
        co_await watch.changed(std::min(deadline_, again));
    }
}

// --- RemoteLocks

RemoteLocks::RemoteLocks(Session& session, RemoteLockOptions options)
    : Container(session.scheduler()),
      session_(session),
      options_(std::move(options)),
      changed_(session.scheduler()) {}

RemoteLocks::~RemoteLocks() {
    close();
}

Task<RemoteLock> RemoteLocks::lock(std::string path, Time deadline) {
    co_return co_await slot(std::move(path), 1, deadline);
}

Task<RemoteLock> RemoteLocks::read_lock(std::string path, Time deadline) {
    co_return co_await slot(std::move(path), readers, deadline);
}

Task<RemoteLock> RemoteLocks::slot(std::string path, std::size_t size, Time deadline,
                                   std::optional<std::size_t>* ahead) {
    check_path(path);
    Attempt attempt(*this, std::move(path), size, deadline, false, ahead);
    co_return co_await attempt.run();
}

Task<RemoteLock> RemoteLocks::try_slot(std::string path, std::size_t size, Time deadline) {
    check_path(path);
    Attempt attempt(*this, std::move(path), size, deadline, true);
    co_return co_await attempt.run();
}

// --- deleting nodes

// Each in a routine of its own, so that many are deleted at a time.
void RemoteLocks::leave(Leaving node) noexcept {
    try {
        start(let_go(std::move(node)), {.name = "zookeeper.let_go", .daemon = true});
        ++leaving_;
    } catch (...) {
        scheduler().log_exception("a node of a lock stays until the session ends");
    }
}

Task<> RemoteLocks::let_go(Leaving node) {
    struct Counted {
        RemoteLocks& locks;
        ~Counted() { --locks.leaving_; }
    };
    {
        const Counted counted{*this};
        for (bool gone = co_await remove(node); !gone; gone = co_await remove(node)) {
            co_await sleep(pause_between_attempts);
        }
    }
    if (leaving_ == 0) {
        changed_.signal(SocketEvent::Type::changed);
    }
}

// Returns whether the node is gone, or goes with its session.
Task<bool> RemoteLocks::remove(Leaving node) {
    if (node.session != session_.id()) {
        co_return true;
    }
    try {
        if (node.in_doubt) {
            co_await remove_by_prefix(node);
        } else {
            co_await session_.remove(child_of(node.parent, node.name));
        }
        co_return true;
    } catch (const RefusedError& error) {
        if (error.code() != Code::no_node) {
            scheduler().log(LogLevel::error, error.what(), "zookeeper");
        }
        co_return true;
    } catch (const SessionExpiredError&) {
        co_return true;
    } catch (const ClosedError&) {
        co_return true;
    } catch (const Error&) {
        co_return false;
    } catch (const std::bad_alloc&) {
        co_return false;
    }
}

// A server may lag, but not behind what the leader had decided when it is asked to catch up.
Task<> RemoteLocks::remove_by_prefix(Leaving node) {
    co_await session_.sync(node.parent);
    const Children listed = co_await session_.children(node.parent);
    const Contenders contenders(listed.names);
    for (const std::size_t position : contenders.find(node.name)) {
        co_await session_.remove(child_of(node.parent, contenders[position]));
    }
}

Task<> RemoteLocks::all_left() {
    const MatcherOf<SocketEvent> changed = changed_.matcher(SocketEvent::Type::changed);
    while (leaving_ != 0) {
        changed_.want(SocketEvent::Type::changed);
        co_await changed;
    }
}

// --- leading

namespace {

Task<> until_done(Future<> work) {
    co_await work;
}

}  // namespace

Task<bool> lead(RemoteLocks& locks, std::string path,
                std::function<Task<>(const RemoteLock& leadership)> work) {
    const RemoteLock lock = co_await locks.lock(std::move(path));
    Container container(locks.scheduler());
    RoutineFuture<> working(container, work(lock), {.name = "zookeeper.lead"});
    while (!working.done()) {
        const Duration left = lock.valid_for();
        if (left <= Duration::zero()) {
            working.close();
            co_return false;
        }
        co_await execute_with_timeout(left, until_done(working));
    }
    working.result();  // throws what the task has thrown
    co_return true;
}

}  // namespace weir::zookeeper
