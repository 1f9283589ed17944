// The plugin `resp`: any client of Redis becomes a client of locks, semaphores and the API of all
// modules.

#include "modules/system/module/module.h"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/net/socket_server.h"
#include "core/wait/timeout.h"
#include "modules/resp/client_text.h"
#include "modules/resp/input_event.h"
#include "modules/resp/protocol.h"
#include "modules/resp/settings.h"
#include "modules/resp/state.h"
#include "modules/system/module/plugin.h"

namespace weir::resp {
namespace {

class RespModule final : public ModuleOf<RespSettings> {
public:
    explicit RespModule(const ModuleContext& context)
        : ModuleOf(context), protocol_(scheduler(), log(), settings()) {}

    static auto declare() {
        return declare_module<RespModule>("resp", "Serves clients that speak the Redis protocol")
            .depends_on("lock")
            .event<InputEvent>()
            .makes_queue<InputEvent>("resp",
                                     "what clients sent, in turn; its priority is a setting")
            .hands_over<RespState>(&RespModule::hand_over, &RespModule::take_over,
                                   CallsUnderWay::go_on)
            .function("addresses", "The addresses where it listens, with the real ports",
                      &RespModule::addresses)
            .function("clients", "Who is connected, one line each", &RespModule::clients);
    }

    Task<> load() override {
        add_queue(scheduler().queue(), "resp", settings().priority, match<InputEvent>().make(),
                  RespProtocol::request_queue());
        if (replaces()) {
            co_return;  // the sockets are there
        }
        for (const std::string& address : settings().listen) {
            Task<> listening = listen(address);
            co_await listening;
        }
    }

    // Clients are told, and get their last replies; their locks are given back.
    Task<> unload() override {
        for (const auto& listener : listeners_) {
            listener->shutdown();
        }
        for (const auto& listener : listeners_) {
            Task<> ending = until_ended(*listener);
            co_await ending;
        }
        // What is left here of clients that a newer version has taken over.
        for (Session& session : protocol_.sessions()) {
            session.connection().shutdown();
        }
        while (!protocol_.sessions().empty()) {
            co_await sleep(std::chrono::milliseconds(10));
        }
    }

    // Of a version that has been replaced: the clients whose request is not answered yet.
    std::vector<std::string> in_use() const override {
        return protocol_.replaced() ? clients() : std::vector<std::string>();
    }

    using ModuleOf::settings_changed;
    void settings_changed(const RespSettings&) override { protocol_.set_settings(settings()); }

    std::vector<std::string> addresses() const {
        std::vector<std::string> result;
        for (const auto& listener : listeners_) {
            result.push_back(listener->local().text());
        }
        return result;
    }

    std::vector<std::string> clients() const {
        std::vector<std::string> result;
        for (const Session& session : protocol_.sessions()) {
            result.push_back(client_text(session));
        }
        return result;
    }

private:
    RespState hand_over() {
        return {settings().listen, std::move(listeners_), protocol_.seat(), protocol_.hand_over()};
    }

    void take_over(RespState& state) {
        if (state.listen != settings().listen) {
            throw std::runtime_error(
                "module.resp.listen has changed; it takes effect when the module is unloaded and "
                "loaded again");
        }
        protocol_.sit_down(std::move(state.seat));
        listeners_ = std::move(state.listeners);
        for (const auto& listener : listeners_) {
            listener->hand_to(protocol_);
            for (Connection& connection : listener->connections()) {
                if (connection.data == nullptr) {  // before its first request, or refused
                    connection.hand_to(protocol_, nullptr);
                }
            }
        }
        for (HandedSession& session : state.sessions) {
            protocol_.take(std::move(session));
        }
    }

    Task<> listen(std::string address) {
        SocketServerOptions options;
        // Those above max_clients are told so before they are closed: there is room for that.
        options.max_connections = std::size_t{settings().max_clients} + 100;
        options.retry_listen = {};
        options.shutdown_timeout = settings().shutdown_timeout;
        SocketServer& listener = *listeners_.emplace_back(
            std::make_unique<SocketServer>(scheduler(), protocol_, address, options));
        listener.start({.name = "resp listener"});
        Task<bool> starting = listener.listening();
        const bool listens = co_await starting;
        if (!listens) {
            throw std::runtime_error("cannot listen at " + address + ": " + listener.error());
        }
        log().info("listens at {}", listener.local().text());
        warn_if_open(address);
    }

    void warn_if_open(const std::string& text) {
        const Address address = Address::parse(text);
        const bool is_local = address.kind == Address::Kind::unix_socket ||
                              address.host == "localhost" || address.host == "::1" ||
                              address.host.starts_with("127.");
        if (!is_local && !settings().password) {
            log().warning(
                "listens at {} without a password: whoever reaches this machine can take locks "
                "and call every module",
                text);
        }
    }

    static Task<> until_ended(const SocketServer& listener) {
        const MatcherOf<ServerStateEvent> ended =
            match<ServerStateEvent>(&listener, SocketServer::State::ended);
        while (listener.state() != SocketServer::State::ended) {
            co_await ended;
        }
    }

    RespProtocol protocol_;
    std::vector<std::unique_ptr<SocketServer>> listeners_;
};

}  // namespace
}  // namespace weir::resp

WEIR_PLUGIN(resp, weir::resp::RespModule)
