#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/ref.h"
#include "core/wait/alarm.h"
#include "core/wait/long_work.h"
#include "modules/lock/backend.h"
#include "modules/lock/lease.h"
#include "modules/lock/plugin/api.h"
#include "modules/lock/plugin/module_settings.h"
#include "modules/lock/table.h"
#include "modules/system/call/caller.h"
#include "modules/system/module/module.h"

namespace weir {

// The state that one version of the module hands to the next. The locks themselves belong to the
// library, not to the plugin: their queue and their table stay where they are.
struct LockHandover {
    static constexpr std::string_view name = "lock";
    static constexpr std::uint32_t version = 7;

    std::string settings;  // with which the locks were made, as JSON
    std::map<std::string, Ref<LockLease>, std::less<>> sessions;
};

// The module `lock`: adds the lock queue to the server, lists what is locked, and lets callers of
// its API take locks in sessions.
class LockModule : public ModuleOf<LockModuleSettings> {
public:
    using ModuleOf::ModuleOf;

    static ModuleDeclaration<LockModule> declare();

    Task<> load() override;
    void begin() override;
    void retire() override;
    // While anything is locked, the server calls it only if it is forced to; see in_use().
    Task<> unload() override;
    std::vector<std::string> in_use() const override;
    using ModuleOf::settings_changed;
    void settings_changed(const LockModuleSettings& before) override;

protected:
    // Makes the backend that the settings name; there is one. For tests with other servers.
    virtual Task<std::unique_ptr<LockBackend>> make_backend();

private:
    using Token = std::optional<std::uint64_t>;

    lock_api::SessionInfo open_session(const lock_api::OpenSession& parameters,
                                       const Caller& caller);
    Task<lock_api::SessionInfo> renew_session(lock_api::RenewSession parameters,
                                              const Caller& caller);
    void close_session(const lock_api::Session& parameters, const Caller& caller);
    std::vector<lock_api::SessionInfo> sessions(const lock_api::SessionPattern& parameters,
                                                const Caller& caller) const;
    Task<Token> acquire(lock_api::Acquire parameters, const Caller& caller);
    Task<Token> try_acquire(lock_api::Try parameters, const Caller& caller);
    std::uint64_t break_locks(const lock_api::Break& parameters, const Caller& caller);
    std::uint64_t position(const lock_api::SessionKey& parameters, const Caller& caller) const;
    bool release(const lock_api::SessionKey& parameters, const Caller& caller);

    Task<Json> list(lock_api::Pattern parameters, const Caller& caller) const;
    std::vector<LockListing> listings(const lock_api::Pattern& parameters,
                                      const Caller& caller) const;
    Task<Json> deadlocks(NoParameters parameters, const Caller& caller) const;
    Json statistics() const;

    // Adds the value of each context, and one for all contexts that the settings do not name.
    template <auto Member>
    void add_by_context(MetricFamily& values) const;
    // What the table counts in all; 0 if there is none.
    template <auto Count>
    std::size_t in_table() const;

    void create_semaphore(const lock_api::SizedSemaphore& parameters, const Caller& caller);
    Task<Json> semaphores(NoParameters parameters, const Caller& caller) const;
    void resize_semaphore(const lock_api::ResizedSemaphore& parameters, const Caller& caller);
    Task<> destroy_semaphore(lock_api::NamedSemaphore parameters, const Caller& caller);

    LockHandover hand_over();
    void take_over(LockHandover& state);
    std::string settings_text() const;

    LockLease& session(const std::string& id, const Caller& caller) const;
    bool may_use(const LockLease& lease, const Caller& caller) const;
    bool may_use_all(const Caller& caller) const;
    void require(const Caller& caller, std::string_view function, const std::string& context,
                 const std::string& key) const;
    bool may_see(const Caller& caller, std::string_view function, const LockListing& listing) const;
    // Throws too_many_sessions if one more is not allowed, to this opener or at all.
    void refuse_too_many_sessions(const std::string& opener) const;
    Task<> turn_of_all_keys(const Caller& caller) const;
    void forget(LockLease& lease) noexcept;
    void expire(Ref<LockLease> lease);
    Task<> keep_expiring_sessions();
    void expire_semaphores();
    Task<> keep_expiring_semaphores();
    void end_holds();
    Task<> keep_ending_holds(Duration shortest);
    void tell_changes();
    Task<> keep_telling_changes();

    std::map<std::string, Ref<LockLease>, std::less<>> sessions_;
    const Ref<LongWork> long_work_{new LongWork(scheduler())};
    std::map<std::string, std::size_t> open_by_opener_;  // how many of the sessions
    // Their next looks: one timer for all, and a session that is closed leaves nothing behind.
    std::set<std::pair<Time, LockLease*>> looks_;
    Alarm next_look_;
    Ref<Routine> expiring_semaphores_;
    Ref<Routine> ending_holds_;
    Ref<Routine> telling_changes_;
    bool handed_over_ = false;
};

}  // namespace weir
