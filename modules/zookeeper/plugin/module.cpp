#include "modules/zookeeper/plugin/module.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <stdexcept>

#include "config/document/value.h"
#include "config/text/utf8.h"
#include "core/tls/tls_context.h"
#include "modules/system/call/api_error.h"
#include "modules/system/module/app_check.h"
#include "modules/system/module/plugin.h"
#include "modules/zookeeper/error.h"

namespace weir::zookeeper {
namespace {

std::string_view code_of(Code code) noexcept {
    switch (code) {
        case Code::no_node:
            return "no_node";
        case Code::node_exists:
            return "node_exists";
        case Code::bad_version:
            return "bad_version";
        case Code::not_empty:
            return "not_empty";
        case Code::no_auth:
            return "no_auth";
        default:
            return "refused";
    }
}

// Throws the error that is being handled as one for callers. Requires that there is one.
[[noreturn]] void throw_for_caller() {
    try {
        throw;
    } catch (const RefusedError& error) {
        throw ApiException(code_of(error.code()), error.what());
    } catch (const InDoubtError& error) {
        throw ApiException("in_doubt", error.what());
    } catch (const Error& error) {
        throw ApiException("unavailable", error.what());
    } catch (const std::invalid_argument& error) {
        throw ApiException("wrong_path", error.what());
    }
}

// Returns the result of a request that `make` makes. An awaited call may not stand in a handler.
template <class T, class Make>
Task<T> ask(Make make) {
    try {
        auto request = make();
        if constexpr (std::is_void_v<T>) {
            co_await request;
            co_return;
        } else {
            co_return co_await request;
        }
    } catch (const QuitException&) {
        throw;
    } catch (const std::exception&) {
        throw_for_caller();
    }
}

}  // namespace

ModuleDeclaration<ZooKeeperModule> ZooKeeperModule::declare() {
    return declare_module<ZooKeeperModule>("zookeeper", "Keeps a session with servers of ZooKeeper")
        .hands_over<ZooKeeperState>(&ZooKeeperModule::hand_over, &ZooKeeperModule::take_over)
        .checks([](const AppCheck& app) {
            try {
                app.settings<ZooKeeperSettings>().options();
            } catch (const TlsError& error) {
                app.report_at_start(app.section() / "certificate_authorities", error.what());
            }
        })
        .function("status", "Tells how the session is", &ZooKeeperModule::status)
        .function("get", "Reads a node", &ZooKeeperModule::get)
        .function("children", "Lists the names of a node's children, in order",
                  &ZooKeeperModule::children)
        .function("create", &ZooKeeperModule::create)
        .function("set", &ZooKeeperModule::set)
        .function("remove", &ZooKeeperModule::remove)
        .gauge("connected", "1 while the session is connected to a server, else 0",
               &ZooKeeperModule::connected)
        .reads({"status", "get", "children"});
}

// It does not wait for the servers: requests do, up to their deadlines.
Task<> ZooKeeperModule::load() {
    if (!replaces()) {
        session_ = std::make_unique<Session>(scheduler(), session_options());
    }
    co_return;
}

Task<> ZooKeeperModule::unload() {
    if (session_ != nullptr) {  // else the next version has it
        commit_unload();
        co_await session_->close();
    }
}

// --- reload

ZooKeeperState ZooKeeperModule::hand_over() {
    return {settings_text(), std::move(session_)};
}

void ZooKeeperModule::take_over(ZooKeeperState& state) {
    if (state.settings != settings_text()) {
        throw std::runtime_error(
            "the settings of the session have changed; they take effect when the module is "
            "unloaded and loaded again");
    }
    session_ = std::move(state.session);
}

std::string ZooKeeperModule::settings_text() const {
    std::string text;
    for (const config::Setting& setting : config::description_of<ZooKeeperSettings>().settings()) {
        const config::Value value = setting.type->to_json(setting.value_in(&settings()));
        text += setting.name + '=' + config::to_json(value) + '\n';
    }
    return text;
}

// --- functions

api::Status ZooKeeperModule::status() const {
    using Seconds = std::chrono::duration<double>;
    char id[19] = "";
    if (session_->id() != 0) {
        std::snprintf(id, sizeof id, "0x%" PRIx64, static_cast<std::uint64_t>(session_->id()));
    }
    const Duration left = session_->valid_until() - boot_time(scheduler().poller());
    return {.state = std::string(to_string(session_->state())),
            .session = id,
            .server = session_->server(),
            .timeout = Seconds(session_->timeout()).count(),
            .valid_for = Seconds(std::max(left, Duration::zero())).count()};
}

Task<api::NodeInfo> ZooKeeperModule::get(api::Path parameters) {
    auto make = [&] { return session_->get(parameters.path); };
    Task<Node> asking = ask<Node>(make);
    Node node = co_await asking;
    if (config::utf8_prefix(node.data) != node.data.size()) {
        throw ApiException("not_text", "the data of '" + parameters.path + "' is no text");
    }
    co_return api::NodeInfo{.data = std::move(node.data),
                            .version = node.stat.version,
                            .created = node.stat.czxid,
                            .changed = node.stat.mzxid};
}

Task<std::vector<std::string>> ZooKeeperModule::children(api::Path parameters) {
    auto make = [&] { return session_->children(parameters.path); };
    Task<Children> asking = ask<Children>(make);
    Children listed = co_await asking;
    std::ranges::sort(listed.names);
    co_return std::move(listed.names);
}

Task<std::string> ZooKeeperModule::create(api::Create parameters) {
    auto make = [&] { return session_->create(parameters.path, parameters.data, parameters.mode); };
    Task<Created> asking = ask<Created>(make);
    Created made = co_await asking;
    co_return std::move(made.path);
}

Task<std::int32_t> ZooKeeperModule::set(api::Set parameters) {
    auto make = [&] {
        return session_->set(parameters.path, parameters.data, parameters.version.value_or(-1));
    };
    Task<Stat> asking = ask<Stat>(make);
    const Stat stat = co_await asking;
    co_return stat.version;
}

Task<> ZooKeeperModule::remove(api::Remove parameters) {
    auto make = [&] { return session_->remove(parameters.path, parameters.version.value_or(-1)); };
    Task<> asking = ask<void>(make);
    co_await asking;
}

}  // namespace weir::zookeeper

WEIR_PLUGIN(zookeeper, weir::zookeeper::ZooKeeperModule)
