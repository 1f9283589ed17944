#include "modules/zookeeper/zookeeper_backend.h"

#include <algorithm>
#include <exception>
#include <new>
#include <system_error>
#include <utility>
#include <vector>

#include "core/queue/leaf_queue.h"
#include "core/wait/timeout.h"
#include "modules/lock/errors.h"
#include "modules/zookeeper/events.h"
#include "modules/zookeeper/path.h"

namespace weir::zookeeper {
namespace {

static_assert(readers == unlimited, "LockBackend::ask() says so");

// Between two looks whether locks are lost. The clock that counts may go on while the timers of
// this process stand still.
constexpr Duration longest_pause = std::chrono::seconds(1);

// How long the servers may take to answer that the session is closed.
constexpr Duration farewell = std::chrono::seconds(2);

constexpr const char* unconfirmed =
    "no server of ZooKeeper has confirmed the session in time: it may have expired, and another "
    "process may hold the lock";
constexpr const char* cannot_note =
    "if this process is killed, its locks are free only after the timeout of its session: ";
constexpr const char* cannot_end =
    "locks of a process that was killed are free only after the timeout of its session: ";
constexpr const char* expired = "the session with ZooKeeper has expired";

// A key that is no text has a name that no text has: '%' without digits behind it.
std::string key_name(const IndexValue& key) {
    if (key.kind() == IndexValue::Kind::text) {
        return escape_name(key.text());
    }
    require_shareable(key, "ZooKeeper");
    return "%=" + escape_name(key.describe());
}

}  // namespace

std::string lock_path(std::string_view root, std::string_view context, const IndexValue& key) {
    return child_of(child_of(root, escape_name(context)), key_name(key));
}

// --- a slot

class ZooKeeperBackend::Slot final : public RemoteSlot, public Link<Slot> {
public:
    Slot(const Session& session, std::string path, User& user)
        : session_(session), path_(std::move(path)), user_(user) {}
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
    std::size_t ahead() const noexcept override { return ahead_.value_or(0); }
    bool is_known_taken() const noexcept override { return ahead_ && session_.valid(); }

private:
    friend class ZooKeeperBackend;

    const Session& session_;
    const std::string path_;
    User& user_;
    Ref<Routine> asking_;  // null once it has ended
    RemoteLock lock_;
    std::optional<std::size_t> ahead_;  // nothing until it is known that others have the lock
};

std::unique_ptr<RemoteSlot> ZooKeeperBackend::ask(std::string_view context, const IndexValue& key,
                                                  std::size_t size, bool only_tries, User& user) {
    auto slot = std::make_unique<Slot>(session_, lock_path(options_.root, context, key), user);
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
            only_tries ? locks_.try_slot(slot.path_, size,
                                         scheduler().now() + session_options_.request_timeout)
                       : locks_.slot(slot.path_, size, no_deadline, &slot.ahead_);
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
      session_options_(std::move(session)),
      session_(scheduler, noting(session_options_)),
      locks_(session_, options_.locks) {
    check_path(options_.root);
    end_sessions_left_behind();
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
    // Without a server the session lives on until its timeout, or until the next process ends it.
    const bool can_close = session_.state() == SessionState::connected;
    co_await session_.close(scheduler().now() + farewell);
    if (file_ && can_close) {
        file_->remove();
    }
}

// --- sessions of processes that were killed

namespace {

// Names the servers in the file of a session: those with the same text are the same.
std::string text_of(const std::vector<std::string>& servers) {
    std::vector<std::string> sorted = servers;
    std::ranges::sort(sorted);
    std::string text;
    for (const std::string& server : sorted) {
        text += (text.empty() ? "" : ",") + server;
    }
    return text;
}

}  // namespace

// Returns options with which each session is noted.
SessionOptions ZooKeeperBackend::noting(SessionOptions session) {
    if (!options_.state_folder.empty()) {
        try {
            file_.emplace(options_.state_folder, text_of(session.servers));
            session.began = [this](const SessionKey& key) { note(key); };
        } catch (const std::system_error& error) {
            scheduler().log(LogLevel::warning, cannot_note + std::string(error.what()));
        }
    }
    return session;
}

void ZooKeeperBackend::note(const SessionKey& key) {
    try {
        file_->write(key);
    } catch (const std::system_error& error) {
        scheduler().log(LogLevel::warning, cannot_note + std::string(error.what()));
    }
}

void ZooKeeperBackend::end_sessions_left_behind() {
    if (!file_) {
        return;
    }
    try {
        for (SessionFile& left :
             SessionFile::left_behind(options_.state_folder, text_of(session_options_.servers))) {
            start(end_session(std::move(left)), {.name = "lock.end_old_session", .daemon = true});
        }
    } catch (const std::system_error& error) {
        scheduler().log(LogLevel::warning, cannot_end + std::string(error.what()));
    }
}

// The servers may have let it expire meanwhile, and then say so.
Task<> ZooKeeperBackend::end_session(SessionFile left) {
    SessionOptions options = session_options_;
    options.resumed = left.read();
    if (options.resumed) {
        Session session(scheduler(), std::move(options));
        try {
            co_await session.connected(no_deadline);
            scheduler().log(LogLevel::info,
                            "the locks of a process that was killed are given back: its session "
                            "with ZooKeeper is closed");
        } catch (const ClosedError&) {
            // It has expired.
        }
        co_await session.close(scheduler().now() + farewell);
    }
    left.remove();
}

}  // namespace weir::zookeeper
