// The plugin `resp`: any client of Redis becomes a client of locks, semaphores and the API of all
// modules.

#include "modules/system/module/module.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/net/descriptor_limit.h"
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

// Connections over max_clients that a listener still takes, to answer them with an error and close
// them in order. More are answered and closed at once.
constexpr std::size_t answered_in_order = 100;

// File descriptors for all that is no client: listeners, the log, files of modules, libraries.
constexpr std::size_t other_descriptors = 64;

class RespModule final : public ModuleOf<RespSettings> {
public:
    explicit RespModule(const ModuleContext& context)
        : ModuleOf(context), protocol_(scheduler(), log(), settings(), events()) {}

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
            .function("clients", "Lists the connected clients, one line each",
                      &RespModule::clients);
    }

    Task<> load() override {
        fit_clients_to_descriptors();
        add_queue(scheduler().queue(), "resp", settings().priority, match<InputEvent>().make(),
                  RespProtocol::request_queue());
        if (replaces()) {
            co_return;  // the sockets are there
        }
        for (const std::string& address : settings().listen) {
            co_await listen(address);
        }
    }

    // Clients get their last replies and are closed; their locks are released.
    Task<> unload() override {
        for (const auto& listener : listeners_) {
            listener->shutdown();
        }
        for (const auto& listener : listeners_) {
            co_await until_ended(*listener);
        }
        // Clients that a newer version could not take over.
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
    void settings_changed(const RespSettings&) override {
        protocol_.set_settings(settings());
        fit_clients_to_descriptors();
        for (const auto& listener : listeners_) {
            listener->set_max_connections(max_connections());
        }
    }

    std::vector<std::string> addresses() const {
        std::vector<std::string> result;
        for (const auto& listener : listeners_) {
            for (const SocketAddress& address : listener->addresses()) {
                result.push_back(address.text());
            }
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
            listener->set_max_connections(max_connections());
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

    std::size_t max_connections() const noexcept {
        return protocol_.max_clients() + answered_in_order;
    }

    // Clients that the process cannot open sockets for would wait in the system's backlog.
    void fit_clients_to_descriptors() {
        const std::size_t wanted = settings().max_clients;
        const std::size_t limit =
            raise_descriptor_limit(wanted + answered_in_order + other_descriptors);
        const std::size_t most = limit - std::min(other_descriptors, limit / 2);
        protocol_.set_max_clients(std::min(wanted, most));
        if (most < wanted) {
            log().warning(
                "serves {} clients at a time and not max_clients, {}: the process may open no more "
                "than {} files; raise its hard limit (LimitNOFILE of systemd, ulimit -Hn) to {}",
                most, wanted, limit, wanted + answered_in_order + other_descriptors);
        }
    }

    Task<> listen(std::string address) {
        SocketServerOptions options;
        options.max_connections = max_connections();
        options.refuse = true;
        options.retry_listen = {};
        options.shutdown_timeout = settings().shutdown_timeout;
        SocketServer& listener = *listeners_.emplace_back(
            std::make_unique<SocketServer>(scheduler(), protocol_, address, options));
        listener.start({.name = "resp listener"});
        if (!co_await listener.listening()) {
            throw std::runtime_error("cannot listen at " + address + ": " + listener.error());
        }
        for (const SocketAddress& local : listener.addresses()) {
            log().info("listens at {}", local.text());
        }
        if (!settings().password &&
            !std::ranges::all_of(listener.addresses(), &SocketAddress::is_local)) {
            log().warning(
                "listens at {} without a password: every machine that reaches this one can take "
                "locks and call every module",
                address);
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
