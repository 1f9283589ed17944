#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "modules/system/module/module.h"
#include "modules/zookeeper/plugin/api.h"
#include "modules/zookeeper/session.h"
#include "modules/zookeeper/session_host.h"
#include "modules/zookeeper/settings.h"

namespace weir::zookeeper {

// What one version of the module hands to the next: the session, which lives on.
struct ZooKeeperState {
    static constexpr std::string_view name = "zookeeper";
    static constexpr std::uint32_t version = 1;

    std::string settings;  // with which it was made, as text
    std::unique_ptr<Session> session;
};

// The module `zookeeper`: keeps the session of the process, for other modules and for callers.
class ZooKeeperModule : public ModuleOf<ZooKeeperSettings>, public SessionHost {
public:
    using ModuleOf::ModuleOf;
    ~ZooKeeperModule() override { close_all(); }

    static ModuleDeclaration<ZooKeeperModule> declare();

    Task<> load() override;
    Task<> unload() override;
    Session& session() noexcept override { return *session_; }

protected:
    // For tests with other servers.
    virtual SessionOptions session_options() { return settings().options(); }

private:
    api::Status status() const;
    Task<api::NodeInfo> get(api::Path parameters);
    Task<std::vector<std::string>> children(api::Path parameters);
    Task<std::string> create(api::Create parameters);
    Task<std::int32_t> set(api::Set parameters);
    Task<> remove(api::Remove parameters);
    std::size_t connected() const { return session_->state() == SessionState::connected ? 1 : 0; }

    ZooKeeperState hand_over();
    void take_over(ZooKeeperState& state);
    std::string settings_text() const;

    std::unique_ptr<Session> session_;
};

}  // namespace weir::zookeeper
