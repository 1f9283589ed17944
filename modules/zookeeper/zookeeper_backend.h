#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/clock.h"
#include "core/base/list.h"
#include "core/run/container.h"
#include "core/run/routine.h"
#include "modules/lock/backend.h"
#include "modules/zookeeper/remote_locks.h"
#include "modules/zookeeper/session.h"
#include "modules/zookeeper/session_file.h"

namespace weir::zookeeper {

struct ZooKeeperBackendOptions {
    // Nodes of locks are at ROOT/CONTEXT/KEY, below SessionOptions::root; see lock_path().
    std::string root = "/weir/locks";
    RemoteLockOptions locks = {};
    // Where the session is noted, so that the next process can end it at its start if this one is
    // killed; see SessionFile. Empty: nowhere.
    std::filesystem::path state_folder = {};
};

// Returns the path of the node of a key. A context without a name stands for the contexts that
// share their keys. Throws LockError for an identity, which means nothing to other processes.
std::string lock_path(std::string_view root, std::string_view context, const IndexValue& key);

// Lets the servers of ZooKeeper decide about the locks of the module `lock`, so that processes on
// many machines share them. All locks of the process are in one session: what it holds is lost when
// the session is. The token of a lock is its node's czxid.
class ZooKeeperBackend final : public LockBackend, private Container {
public:
    // Throws as Session; std::invalid_argument also for a wrong root.
    ZooKeeperBackend(Scheduler& scheduler, SessionOptions session,
                     ZooKeeperBackendOptions options = {});
    ~ZooKeeperBackend() override;

    const Session& session() const noexcept { return session_; }
    // Nodes of locks that are not held any more, and not deleted yet.
    std::size_t leaving() const noexcept { return locks_.leaving(); }

    std::unique_ptr<RemoteSlot> ask(std::string_view context, const IndexValue& key,
                                    std::size_t size, bool only_tries, User& user) override;
    std::string obstacle() const override;
    Task<> close() override;

private:
    class Slot;

    SessionOptions noting(SessionOptions session);
    void note(const SessionKey& key);
    void end_sessions_left_behind();
    Task<> end_session(SessionFile left);
    Task<> get(Slot& slot, std::size_t size, bool only_tries);
    Task<> watch();
    Duration until_first_end() const;
    void lose_those_that_ended();

    const ZooKeeperBackendOptions options_;
    const SessionOptions session_options_;
    std::optional<SessionFile> file_;  // in which the session is noted
    Session session_;
    RemoteLocks locks_;
    List<Slot> granted_;
    Ref<Routine> watching_;  // whether these are lost; null if there are none
};

}  // namespace weir::zookeeper
