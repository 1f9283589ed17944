#include "modules/zookeeper/zookeeper_backend.h"

#include <algorithm>
#include <exception>
#include <new>
#include <utility>

#include "core/wait/timeout.h"
#include "modules/lock/errors.h"
#include "modules/zookeeper/events.h"
#include "modules/zookeeper/path.h"

namespace weir::zookeeper {
namespace {

// Between two looks whether locks are lost. The clock that counts may go on while the timers of
// this process stand still.
constexpr Duration longest_pause = std::chrono::seconds(1);

// How long the servers may take to answer that the session is closed.
constexpr Duration farewell = std::chrono::seconds(2);

constexpr const char* unconfirmed =
    "no server of ZooKeeper has confirmed the session in time: it may have expired, and another "
    "process may hold the lock";
constexpr const char* expired = "the session with ZooKeeper has expired";

bool has_identity(const IndexValue& key) {
    if (key.kind() == IndexValue::Kind::tuple) {
        return std::ranges::any_of(key.tuple(), has_identity);
    }
    return key.kind() == IndexValue::Kind::identity;
}

// A key that is no text has a name that no text has: '%' without digits behind it.
std::string key_name(const IndexValue& key) {
    if (key.kind() == IndexValue::Kind::text) {
        return escape_name(key.text());
    }
    if (has_identity(key)) {
        throw LockError("the key " + key.describe() +
                        " is an object of this process, and cannot be locked by ZooKeeper");
    }
    return "%=" + escape_name(key.describe());
}

}  // namespace

std::string lock_path(std::string_view root, std::string_view context, const IndexValue& key) {
    return child_of(child_of(root, escape_name(context)), key_name(key));
}

// --- a slot

class ZooKeeperBackend::Slot final : public RemoteSlot, public Link<Slot> {
public:
    Slot(std::string path, User& user) : path_(std::move(path)), user_(user) {}
    ~Slot() override {
        if (asking_ != nullptr) {
            asking_->close();
        }
    }

    // Granted in a session that has ended: the epoch.
    BootTime valid_until() const noexcept override { return lock_.valid_until(); }
    std::uint64_t token() const noexcept override {
        return static_cast<std::uint64_t>(lock_.token());
    }

private:
    friend class ZooKeeperBackend;

    const std::string path_;
    User& user_;
    Ref<Routine> asking_;  // null once it has ended
    RemoteLock lock_;
};

std::unique_ptr<RemoteSlot> ZooKeeperBackend::ask(std::string_view context, const IndexValue& key,
                                                  std::size_t size, bool only_tries, User& user) {
    auto slot = std::make_unique<Slot>(lock_path(options_.root, context, key), user);
    slot->asking_ =
        start(get(*slot, size, only_tries), {.name = "lock.ask " + slot->path_, .daemon = true});
    return slot;
}

// The slot ends this routine when it is destroyed.
Task<> ZooKeeperBackend::get(Slot& slot, std::size_t size, bool only_tries) {
    std::exception_ptr error;
    bool unavailable = false;
    try {
        Task<RemoteLock> asking =
            only_tries ? locks_.try_slot(slot.path_, size, scheduler().now() + request_timeout_)
                       : locks_.slot(slot.path_, size);
        slot.lock_ = co_await asking;
        if (watching_ == nullptr) {
            watching_ = start(watch(), {.name = "lock.watch", .daemon = true});
        }
    } catch (const UnavailableError&) {
        unavailable = true;
    } catch (const Error& failure) {
        error = std::make_exception_ptr(LockError(failure.what()));
    } catch (const std::bad_alloc&) {
        error = std::current_exception();
    }
    slot.asking_ = nullptr;
    if (unavailable) {
        error = std::make_exception_ptr(
            LockBackendUnavailable("'" + slot.path_ + "': no server of ZooKeeper has answered"));
    }
    if (error != nullptr) {
        slot.user_.slot_refused(slot, error);
    } else if (slot.lock_.path().empty()) {
        slot.user_.slot_not_free(slot);
    } else {
        granted_.push_back(slot);
        slot.user_.slot_granted(slot);
    }
}

// --- loss

Duration ZooKeeperBackend::until_first_end() const {
    return std::clamp(session_.valid_until() - boot_time(scheduler().poller()), Duration::zero(),
                      longest_pause);
}

// The loss of one may end others.
void ZooKeeperBackend::lose_those_that_ended() {
    const auto first_lost = [this]() -> Slot* {
        for (Slot& slot : granted_) {
            if (!slot.lock_) {
                return &slot;
            }
        }
        return nullptr;
    };
    while (Slot* const slot = first_lost()) {
        const bool session_ended = slot->lock_.valid_until() == BootTime();
        slot->user_.slot_lost(*slot, session_ended ? expired : unconfirmed);
    }
}

Task<> ZooKeeperBackend::watch() {
    const MatcherOf<SessionEvent> ended =
        match<SessionEvent>(session_.name(), SessionState::expired);
    while (!granted_.empty()) {
        co_await wait_with_timeout(until_first_end(), ended);
        lose_those_that_ended();
    }
    watching_ = nullptr;
}

ZooKeeperBackend::ZooKeeperBackend(Scheduler& scheduler, SessionOptions session,
                                   ZooKeeperBackendOptions options)
    : Container(scheduler),
      options_(std::move(options)),
      request_timeout_(session.request_timeout),
      session_(scheduler, std::move(session)),
      locks_(session_, options_.locks) {
    check_path(options_.root);
}

ZooKeeperBackend::~ZooKeeperBackend() {
    Container::close();
}

std::string ZooKeeperBackend::obstacle() const {
    return session_.state() == SessionState::connected
               ? ""
               : "no server of ZooKeeper can be reached (" +
                     std::string(to_string(session_.state())) +
                     "): it is not known whether the lock is free";
}

Task<> ZooKeeperBackend::close() {
    co_await session_.close(scheduler().now() + farewell);
}

}  // namespace weir::zookeeper
