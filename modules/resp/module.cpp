// The plugin `resp`: any client of Redis becomes a client of locks, semaphores and the API of all
// modules.

#include "modules/system/module/module.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <sys/stat.h>

#include "core/net/descriptor_limit.h"
#include "core/net/socket_server.h"
#include "core/wait/timeout.h"
#include "modules/resp/client_text.h"
#include "modules/resp/input_event.h"
#include "modules/resp/protocol.h"
#include "modules/resp/settings.h"
#include "modules/resp/state.h"
#include "modules/system/module/app_check.h"
#include "modules/system/module/plugin.h"
#include "modules/system/rights/access.h"
#include "modules/system/rights/owner_socket.h"

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
        : ModuleOf(context), protocol_(scheduler(), log(), access(), settings(), events()) {}

    static auto declare() {
        return declare_module<RespModule>("resp", "Serves clients that speak the Redis protocol")
            .depends_on("lock")
            .event<InputEvent>()
            .makes_queue<InputEvent>(
                "resp",
                "what clients sent, in turn; has the module's name; its priority is a setting")
            .hands_over<RespState>(&RespModule::hand_over, &RespModule::take_over,
                                   CallsUnderWay::go_on)
            .function("addresses", "The addresses where it listens, with the real ports",
                      &RespModule::addresses)
            .function("clients", "Lists the connected clients, one line each", &RespModule::list)
            .gauge("clients", "Clients that are connected", &RespModule::connected)
            .counter("connections", "Clients that have connected",
                     &RespModule::count<&RespProtocol::connections>)
            .counter("refused_connections", "Clients that were refused: there were too many",
                     &RespModule::count<&RespProtocol::refused>)
            .counter("commands", "Commands of clients", &RespModule::count<&RespProtocol::commands>)
            .reads({"addresses", "clients"})
            .rights({"info", "kill_client"})
            .checks([](const AppCheck& app) {
                check_listeners(app, app.settings<RespSettings>().listeners());
            });
    }

    Task<> load() override {
        check_users();
        fit_clients_to_descriptors();
        add_queue(scheduler().queue(), name(), settings().priority,
                  match<InputEvent>(protocol_.module()).make(), RespProtocol::request_queue());
        const std::vector<ListenSettings> configured = settings().listeners();
        for (const ListenSettings& listener : configured) {
            // A request that is not complete is not executed, and a client that goes without
            // close_notify, as most do, has gone all the same.
            tls_.push_back(listener.tls_context({.require_close_notify = false}));
        }
        if (replaces()) {
            co_return;  // the sockets are there
        }
        for (std::size_t i = 0; i != configured.size(); ++i) {
            co_await listen(configured[i], tls_[i]);
        }
        for (const std::uint16_t port :
             settings().owner_socket ? ports() : std::set<std::uint16_t>()) {
            co_await listen_for_owner(port);
        }
        set_doors();
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

    // Clients whose connection was to end connect again.
    void unload_refused() override {
        for (const auto& listener : listeners_) {
            listener->start_listening();
        }
    }

    // Of a version that has been replaced: the clients whose request is not answered yet.
    std::vector<std::string> in_use() const override {
        return protocol_.replaced() ? clients() : std::vector<std::string>();
    }

    using ModuleOf::settings_changed;
    void settings_changed(const RespSettings&) override {
        protocol_.set_settings(settings());
        set_doors();
        fit_clients_to_descriptors();
        for (const auto& listener : listeners_) {
            listener->set_max_connections(max_connections());
        }
    }

    void read_files_again() override {
        for (std::size_t i = 0; i != tls_.size(); ++i) {
            if (tls_[i] != nullptr) {
                read_certificates_again(*tls_[i], listeners_[i]->address().text(), log());
            }
        }
    }

    std::vector<std::string> addresses() const {
        std::vector<std::string> result;
        for (const auto& listener : listeners_) {
            std::ranges::move(listener->urls(), std::back_inserter(result));
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

    Task<std::vector<std::string>> list(NoParameters /*parameters*/, const Caller& caller) {
        const std::function<bool(const Session&)> all = [](const Session&) { return true; };
        co_return co_await list_clients(protocol_, caller, all);
    }

private:
    std::size_t connected() const noexcept { return protocol_.clients(); }
    template <auto Count>
    std::uint64_t count() const noexcept {
        return (protocol_.*Count)();
    }

    RespState hand_over() {
        return {sockets(), std::move(listeners_), protocol_.seat(), protocol_.hand_over()};
    }

    // What the sockets depend on.
    std::vector<std::string> sockets() const {
        std::vector<std::string> texts;
        for (const ListenSettings& listener : settings().listeners()) {
            texts.push_back(listener.socket());
        }
        texts.emplace_back(settings().owner_socket ? "owner" : "");
        return texts;
    }

    void take_over(RespState& state) {
        if (state.sockets != sockets()) {
            throw std::runtime_error(
                "where it listens has changed (listen, owner_socket); that takes effect when the "
                "module is unloaded and loaded again");
        }
        protocol_.sit_down(std::move(state.seat));
        listeners_ = std::move(state.listeners);
        set_doors();
        for (std::size_t i = 0; i != tls_.size(); ++i) {
            listeners_[i]->set_tls(tls_[i]);
        }
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

    // A mistake in names would give clients other rights than those that are meant.
    void check_users() const {
        if (settings().password && access().has_user("default")) {
            throw std::runtime_error(
                "there are two users 'default': the one of module." + name() +
                ".password, and the one of server.users; leave one of them out");
        }
        check_roles(*this, settings().listeners());
    }

    // The ports of TCP where it listens.
    std::set<std::uint16_t> ports() const {
        std::set<std::uint16_t> result;
        for (const auto& listener : listeners_) {
            for (const SocketAddress& address : listener->addresses()) {
                if (address.port() != 0) {
                    result.insert(address.port());
                }
            }
        }
        return result;
    }

    // The listeners are in the order of the setting; those for the owner follow.
    void set_doors() {
        const std::vector<ListenSettings> configured = settings().listeners();
        std::vector<Door> doors;
        for (std::size_t i = 0; i != listeners_.size(); ++i) {
            const bool is_configured = i < configured.size();
            doors.push_back(
                {listeners_[i]->addresses(),
                 is_configured ? *configured[i].anonymous : std::vector<std::string>(),
                 is_configured ? configured[i].owner : std::vector<std::string>{"admin"}});
        }
        protocol_.set_doors(std::move(doors));
    }

    Task<> listen(ListenSettings listener, std::shared_ptr<TlsContext> tls) {
        SocketServer& server = start_listener(listener.address, listener.options(), std::move(tls));
        if (!co_await server.listening()) {
            throw std::runtime_error("cannot listen at " + listener.address + ": " +
                                     server.error());
        }
        log_listening(*this, listener, server);
    }

    // The owner's socket is a help for the owner: without it, the module works.
    Task<> listen_for_owner(std::uint16_t port) {
        const std::optional<std::string> path = owner_socket_path(port);
        if (!path) {
            log().info(
                "no Unix socket for the owner at port {}: there is no folder $RUNTIME_DIRECTORY or "
                "$XDG_RUNTIME_DIR that can be written",
                port);
            co_return;
        }
        ListenOptions options;
        options.unix_mode = S_IRUSR | S_IWUSR;
        SocketServer& server = start_listener("unix:" + *path, options);
        if (co_await server.listening()) {
            log().info("listens at unix:{} for the user who runs the server", *path);
        } else {
            listeners_.pop_back();
        }
    }

    SocketServer& start_listener(const std::string& address, const ListenOptions& how,
                                 std::shared_ptr<TlsContext> tls = {}) {
        SocketServerOptions options;
        options.listen = how;
        options.tls = std::move(tls);
        options.max_connections = max_connections();
        options.refuse = true;
        options.retry_listen = {};
        options.shutdown_timeout = settings().shutdown_timeout;
        SocketServer& listener = *listeners_.emplace_back(
            std::make_unique<SocketServer>(scheduler(), protocol_, address, std::move(options)));
        listener.start({.name = name() + " listener"});
        return listener;
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
    // Of the configured listeners, which are the first; null: no TLS.
    std::vector<std::shared_ptr<TlsContext>> tls_;
};

}  // namespace
}  // namespace weir::resp

WEIR_PLUGIN(resp, weir::resp::RespModule)
