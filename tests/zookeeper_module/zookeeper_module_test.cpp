// The module `zookeeper` with servers in memory.

#include <catch2/catch.hpp>

#include "core/wait/timeout.h"
#include "modules/include/weir/testing.h"
#include "modules/system/call/json.h"
#include "modules/zookeeper/plugin/module.h"
#include "modules/zookeeper/testing/fake_ensemble.h"

using namespace weir;
using namespace weir::zookeeper;
using namespace std::chrono_literals;

namespace {

// Of the running test; outlives the modules.
FakeEnsemble* servers = nullptr;

class WithServersInMemory : public ZooKeeperModule {
public:
    using ZooKeeperModule::ZooKeeperModule;

private:
    SessionOptions session_options() override {
        SessionOptions options = settings().options();
        options.servers = servers->options().servers;
        options.connect = servers->options().connect;
        return options;
    }
};

ModuleClass with_servers_in_memory() {
    ModuleClass made = module_class<ZooKeeperModule>();
    made.make = [](const ModuleContext& context) -> std::unique_ptr<Module> {
        return std::make_unique<WithServersInMemory>(context);
    };
    return made;
}

// Another module, which uses the session in C++.
class Counter : public Module {
public:
    using Module::Module;

    static auto declare() {
        return declare_module<Counter>("counter", "Counts for all machines")
            .depends_on("zookeeper")
            .function("next", "Returns the next number", &Counter::next);
    }

private:
    Task<std::int32_t> next() {
        Session& session = SessionHost::of(*this).session();
        co_await session.create_all("/counter");
        const Stat stat = co_await session.set("/counter", "");
        co_return stat.version;
    }
};

constexpr const char* configuration = R"({
    "server": {"startup": ["counter"]},
    "module": {"zookeeper": {"servers": ["zk1"], "session_timeout": "4s"}}
})";

struct World {
    World()
        : world(configuration, Registry().add(zookeeper).add<Counter>()), here(world.scheduler()) {
        servers = &here;
    }
    ~World() {
        CHECK(here.sessions() == 0);
        CHECK(world.log() == "");
    }

    const ModuleClass zookeeper = with_servers_in_memory();
    SimulatedServer world;
    FakeEnsemble here;
};

// Returns the result as text, or the error's code.
Task<std::string> ask(std::string module, std::string function, std::string parameters) {
    Json json = Json::parse(parameters);
    const ApiResult<Json> result =
        co_await call(std::move(module), std::move(function), std::move(json));
    co_return result ? result.value().dump() : result.error().code;
}

}  // namespace

TEST_CASE("callers make, read, list, write and delete nodes, and get errors as codes") {
    World world;
    const auto test = []() -> Task<> {
        const auto expect = [](const char* function, const char* parameters,
                               const char* expected) -> Task<> {
            const std::string result = co_await ask("zookeeper", function, parameters);
            CHECK(result == expected);
        };
        const char* const a = R"({"path": "/a"})";
        co_await expect("get", a, "no_node");
        co_await expect("create", R"({"path": "/a", "data": "one"})", R"("/a")");
        co_await expect("create", a, "node_exists");
        co_await expect("create", R"({"path": "/a/s-", "mode": "ephemeral_sequential"})",
                        R"("/a/s-0000000000")");
        co_await expect("children", a, R"(["s-0000000000"])");
        co_await expect("remove", a, "not_empty");
        co_await expect("set", R"({"path": "/a", "data": "two"})", "1");
        co_await expect("set", R"({"path": "/a", "data": "three", "version": 0})", "bad_version");
        co_await expect("set", R"({"path": "/a", "data": "\u00e4", "version": 1})", "2");
        const std::string node = co_await ask("zookeeper", "get", a);
        CHECK(Json::parse(node).at("data") == "\xc3\xa4");
        CHECK(Json::parse(node).at("version") == 2);
        co_await expect("get", R"({"path": "a"})", "wrong_path");
        const std::string status = co_await ask("zookeeper", "status", "{}");
        CHECK(Json::parse(status).at("state") == "connected");
        CHECK(Json::parse(status).at("timeout") == 4.0);
        CHECK(Json::parse(status).at("valid_for") > 2.0);
    };
    world.world.run(test());
}

TEST_CASE("another module uses the session, which lives on when zookeeper is reloaded") {
    World world;
    const auto test = [](SimulatedServer& w) -> Task<> {
        const std::string first = co_await ask("counter", "next", "{}");
        CHECK(first == "1");
        const std::string before = co_await ask("zookeeper", "status", "{}");
        Task<> reloading = w.loader().reload({"zookeeper", "counter"});
        co_await reloading;
        const std::string second = co_await ask("counter", "next", "{}");
        CHECK(second == "2");
        const std::string after = co_await ask("zookeeper", "status", "{}");
        CHECK(Json::parse(after).at("session") == Json::parse(before).at("session"));
    };
    world.world.run(test(world.world));
}

namespace {

constexpr const char* zookeeper_alone = R"({
    "server": {"startup": ["zookeeper"]},
    "module": {"zookeeper": {"servers": ["zk1"], "session_timeout": "4s", "request_timeout": "1s"}}
})";

enum class SessionIs { beginning, connected, asking, without_servers, cut_off, expired };

// Brings the session there. Returns when it is in that state.
Task<> bring_to(SessionIs state, FakeEnsemble& here, Container& routines, std::string& answer) {
    if (state == SessionIs::beginning) {
        co_return;
    }
    const std::string root = R"({"path": "/"})";
    answer = co_await ask("zookeeper", "get", root);
    const auto ask_again = [](std::string parameters, std::string& result) -> Task<> {
        result = co_await ask("zookeeper", "get", parameters);
    };
    for (std::size_t server = 0; server != here.size(); ++server) {
        if (state == SessionIs::without_servers) {
            here.stop(server);
        } else if (state != SessionIs::connected) {
            here.cut_from_clients(server);
        }
    }
    if (state == SessionIs::asking) {
        routines.start(ask_again(root, answer));
    }
    co_await sleep(state == SessionIs::asking ? 100ms : state == SessionIs::expired ? 20s : 2s);
    CHECK(here.sessions() == (state == SessionIs::expired ? 0U : 1U));
}

Task<> reload_unload_and_load(SessionIs state, SimulatedServer& world, FakeEnsemble& here,
                              Container& routines) {
    std::string answer = "{}";
    co_await bring_to(state, here, routines, answer);
    Task<> reloading = world.loader().reload({"zookeeper"});
    co_await reloading;
    CHECK((answer.front() == '{' || answer == "in_doubt" || answer == "unavailable"));
    Task<> unloading = world.loader().unload("zookeeper", true);
    co_await unloading;
    for (std::size_t server = 0; server != here.size(); ++server) {
        here.start(server);
        here.heal(server);
    }
    co_await sleep(30s);
    CHECK(here.sessions() == 0);
    Task<> loading = world.loader().load("zookeeper");
    co_await loading;
    answer = co_await ask("zookeeper", "get", R"({"path": "/"})");
    CHECK(answer.front() == '{');
}

}  // namespace

TEST_CASE("zookeeper is reloaded, unloaded and loaded in every state of its session") {
    const SessionIs state =
        GENERATE(SessionIs::beginning, SessionIs::connected, SessionIs::asking,
                 SessionIs::without_servers, SessionIs::cut_off, SessionIs::expired);
    const ModuleClass zookeeper = with_servers_in_memory();
    SimulatedServer world(zookeeper_alone, Registry().add(zookeeper));
    FakeEnsemble here(world.scheduler());
    servers = &here;
    Container container(world.scheduler());
    world.run(reload_unload_and_load(state, world, here, container));
}

TEST_CASE("zookeeper is unloaded although its servers do not answer") {
    const ModuleClass zookeeper = with_servers_in_memory();
    SimulatedServer world(R"({
        "server": {"startup": ["zookeeper"]},
        "module": {"zookeeper": {"servers": ["zk1"], "unload_timeout": "1s"}}
    })",
                          Registry().add(zookeeper));
    FakeEnsemble here(world.scheduler());
    servers = &here;
    Container container(world.scheduler());
    const auto test = [](SimulatedServer& w, FakeEnsemble& ensemble,
                         Container& routines) -> Task<> {
        std::string answer;
        co_await bring_to(SessionIs::connected, ensemble, routines, answer);
        for (std::size_t server = 0; server != ensemble.size(); ++server) {
            ensemble.cut_from_clients(server);
        }
        Task<> unloading = w.loader().unload("zookeeper");
        co_await unloading;
        const std::string status = co_await ask("zookeeper", "status", "{}");
        CHECK(status == "unknown_module");
    };
    world.run(test(world, here, container));
    CHECK(world.log().find("did not end within 1s: the module is unloaded nevertheless") !=
          std::string::npos);
}
