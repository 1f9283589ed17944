#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/base/list.h"
#include "core/run/container.h"
#include "core/run/routine.h"
#include "core/simulation/boot_clock.h"
#include "core/stream/socket_events.h"
#include "modules/lock/backend.h"
#include "modules/redis/client.h"

namespace weir::redis {

struct LockdBackendOptions {
    // How long lockd keeps the locks of this process when it hears nothing of it. A lock is certain
    // for three quarters of it from when lockd was last told to keep it.
    Duration lease = std::chrono::seconds(10);
    // What lockd's listings call this process.
    std::string owner = "weir";
};

// Returns the name of a key at lockd: a text is itself, so that any client of lockd may share it;
// what JSON or lockd cannot have is escaped, and begins with '%'. Throws LockError for an identity,
// which means nothing to other processes.
std::string lockd_key(const IndexValue& key);
// The same for a context; the one without a name is "%".
std::string lockd_context(std::string_view context);

// Lets a lockd decide about the locks of the module `lock`, so that several processes share them.
//
// Each slot has a session of its own at lockd (functions open_session, acquire, ... of its module
// `lock`), which is renewed every quarter of the lease. A try goes over one connection for all;
// a wait has a connection of its own, because lockd executes the requests of a connection one after
// the other. When the one connection is lost, all locks are: lockd may have been restarted, and it
// then knows nothing of them. Sessions from before are closed as soon as lockd can be reached.
class LockdBackend final : public LockBackend, private Container {
public:
    // `how` is how to reach lockd. Throws as Client.
    LockdBackend(Scheduler& scheduler, ClientOptions how, LockdBackendOptions options = {});
    ~LockdBackend() override;

    const Client& client() const noexcept { return client_; }
    // Sessions at lockd that are used or idle.
    std::size_t sessions() const noexcept { return sessions_.size(); }

    std::unique_ptr<RemoteSlot> ask(std::string_view context, const IndexValue& key,
                                    std::size_t size, bool only_tries, User& user) override;
    std::string obstacle() const override;
    Task<> close() override;

private:
    struct Session;
    class Slot;
    // Shared by the slot that uses it, and by calls under way.
    using SessionHandle = std::shared_ptr<Session>;

    // A call under way that gives something back: close() waits for it.
    struct EndFarewell {
        void operator()(LockdBackend* backend) const noexcept;
    };
    using Farewell = std::unique_ptr<LockdBackend, EndFarewell>;
    Farewell say_farewell() noexcept {
        ++farewells_;
        return Farewell(this);
    }

    Task<> get(Slot& slot);
    Task<bool> attempt(Slot& slot);
    Task<SessionHandle> take_session(Time deadline);
    Task<std::optional<std::uint64_t>> acquire(Slot& slot);
    Task<std::optional<std::uint64_t>> wait_in_line(Slot& slot);
    Task<> create_semaphore(Slot& slot);
    PendingReply call(const char* function, const std::string& parameters, Time deadline);
    void granted(Slot& slot, std::uint64_t token);
    void begin_to_ask(Slot& slot);

    void give_up(Slot& slot) noexcept;
    Task<> release(Farewell, SessionHandle session, std::string parameters);
    void end_session(const SessionHandle& session) noexcept;
    Task<> close_session(Farewell, std::string id);

    Task<> keep_sessions();
    Task<> renew_all();
    void learn(const SessionHandle& session, const std::string& answer);
    Task<> watch();
    void lose_sessions(const std::string& reason) noexcept;
    void lose(const SessionHandle& session, const std::string& reason) noexcept;
    void lose_those_that_ended() noexcept;
    Duration until_first_end() const noexcept;
    BootTime now() const noexcept { return boot_time(scheduler().poller()); }
    Duration certain() const noexcept { return options_.lease * 3 / 4; }

    const ClientOptions how_;
    const LockdBackendOptions options_;
    Client client_;
    std::vector<SessionHandle> sessions_;
    List<Slot> slots_;  // asked for, or granted
    std::size_t farewells_ = 0;
    Source said_farewell_;  // changed: one of them has ended
};

}  // namespace weir::redis
