#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/ref.h"
#include "core/run/newest_routine.h"
#include "modules/redis/client.h"
#include "modules/redis/client_host.h"
#include "modules/redis/plugin/api.h"
#include "modules/redis/plugin/settings.h"
#include "modules/system/module/module.h"

namespace weir::redis {

// What one version of the module hands to the next: the connections, which live on.
struct RedisState {
    static constexpr std::string_view name = "redis";
    static constexpr std::uint32_t version = 1;

    std::string settings;  // fixed ones, with which the connections were made, as text
    std::string channels;  // and patterns, as text
    std::unique_ptr<Client> commands;
    std::unique_ptr<Client> messages;
};

// The module `redis`: a connection for the commands of all callers, and one for messages, which
// become events. Two, so that messages that wait for room in their queue hold up no reply.
class RedisModule : public ModuleOf<RedisSettings>, public ClientHost {
public:
    using ModuleOf::ModuleOf;
    ~RedisModule() override { close_all(); }

    static ModuleDeclaration<RedisModule> declare();

    Task<> load() override;
    void begin() override;
    using ModuleOf::settings_changed;
    void settings_changed(const RedisSettings& before) override;
    void read_files_again() override;

    Client& client() noexcept override { return *commands_; }

protected:
    // For tests with other servers.
    virtual ClientOptions client_options(std::string client_name) const {
        return settings().options(std::move(client_name));
    }

private:
    static void check(const AppCheck& app);
    static std::vector<Flow> flows(const AppCheck& app);

    Task<Json> command(api::CommandParameters parameters);
    Task<Json> script(api::ScriptParameters parameters);
    Task<Json> publish(api::PublishParameters parameters);
    api::Status status() const;
    Task<Reply> ask(Command command, Time until);
    Time deadline(const std::optional<std::chrono::milliseconds>& timeout) const;

    std::uint64_t sent_commands() const { return commands_->requests().sent(); }
    std::uint64_t in_doubt() const { return commands_->requests().in_doubt(); }
    std::size_t pending() const { return commands_->requests().size(); }
    std::size_t connected() const { return commands_->is_connected() ? 1 : 0; }
    std::uint64_t connections() const { return commands_->connections(); }
    std::uint64_t messages() const { return messages_ == nullptr ? 0 : messages_->messages(); }

    RedisState hand_over();
    void take_over(RedisState& state);
    std::string fixed_settings() const;
    std::string channels() const;

    std::unique_ptr<Client> connection_for_commands() const;
    std::unique_ptr<Client> connection_for_messages(Client* before) const;
    Task<> send_messages();
    Ref<Event> event_of(const Message& message);
    Task<> log_in_anew(RedisSettings now);

    Login login_;
    std::unique_ptr<Client> commands_;
    std::unique_ptr<Client> messages_;  // null: there are no channels
    Ref<Routine> sending_messages_;
    NewestRoutine logging_in_{*this};
    std::uint64_t not_text_ = 0;
};

}  // namespace weir::redis
