#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/ref.h"
#include "modules/lock/lease.h"
#include "modules/lock/plugin/api.h"
#include "modules/lock/plugin/module_settings.h"
#include "modules/system/module/module.h"

namespace weir {

// What goes from one version of the module to the next. The locks themselves are not the plugin's:
// their queue and their table are the library's, and stay where they are.
struct LockHandover {
    static constexpr std::string_view name = "lock";
    static constexpr std::uint32_t version = 2;

    std::string settings;  // by which the locks were made, as JSON
    std::map<std::string, Ref<LockLease>, std::less<>> sessions;
};

// The module `lock`: makes the queue of the locks, tells what is locked, and lets others lock
// through its API.
class LockModule final : public ModuleOf<LockModuleSettings> {
public:
    using ModuleOf::ModuleOf;

    static ModuleDeclaration<LockModule> declare();

    Task<> load() override;
    void begin() override;
    // Only forced while anything is locked; see in_use().
    Task<> unload() override;
    std::vector<std::string> in_use() const override;
    using ModuleOf::settings_changed;
    void settings_changed(const LockModuleSettings& before) override;

private:
    using Token = std::optional<std::uint64_t>;

    lock_api::SessionInfo open_session(const lock_api::OpenSession& parameters);
    lock_api::SessionInfo renew_session(const lock_api::Session& parameters);
    void close_session(const lock_api::Session& parameters);
    std::vector<lock_api::SessionInfo> sessions() const;
    Task<Token> acquire(lock_api::Acquire parameters);
    Token try_acquire(const lock_api::SessionKey& parameters);
    bool release(const lock_api::SessionKey& parameters);

    Json list(const lock_api::Pattern& parameters) const;
    Json deadlocks() const;
    Json statistics() const;

    void create_semaphore(const lock_api::SizedSemaphore& parameters);
    void resize_semaphore(const lock_api::SizedSemaphore& parameters);
    Task<> destroy_semaphore(lock_api::NamedSemaphore parameters);

    LockHandover hand_over();
    void take_over(LockHandover& state);
    std::string settings_text() const;

    LockLease& session(const std::string& id) const;
    void watch(const Ref<LockLease>& lease);
    Task<> until_over(Ref<LockLease> lease);

    std::map<std::string, Ref<LockLease>, std::less<>> sessions_;
    bool handed_over_ = false;
};

}  // namespace weir
