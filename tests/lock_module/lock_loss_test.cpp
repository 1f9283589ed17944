// Locks of the module `lock` that are taken away, and locks that ZooKeeper decides about.

#include <memory>
#include <string>

#include <catch2/catch.hpp>

#include "config/document/value.h"
#include "config/settings/duration.h"
#include "core/wait/timeout.h"
#include "modules/lock/lock.h"
#include "modules/lock/plugin/module.h"
#include "modules/system/call/json.h"
#include "modules/testing/simulated_server.h"
#include "modules/zookeeper/remote_locks.h"
#include "modules/zookeeper/testing/fake_ensemble.h"
#include "modules/zookeeper/zookeeper_backend.h"

using namespace weir;
using namespace weir::zookeeper;
using namespace std::chrono_literals;

namespace {

// Of the running test; outlives the modules.
FakeEnsemble* lock_servers = nullptr;

class LocksWithServersInMemory : public LockModule {
public:
    using LockModule::LockModule;

private:
    Task<std::unique_ptr<LockBackend>> make_backend() override {
        SessionOptions options = settings().backend->zookeeper->options();
        options.root.clear();
        options.servers = lock_servers->options().servers;
        options.connect = lock_servers->options().connect;
        ZooKeeperBackendOptions locks;
        locks.root = settings().backend->zookeeper->root;
        co_return std::make_unique<ZooKeeperBackend>(scheduler(), std::move(options),
                                                     std::move(locks));
    }
};

ModuleClass locks_with_servers_in_memory() {
    ModuleClass made = module_class<LockModule>();
    made.make = [](const ModuleContext& context) -> std::unique_ptr<Module> {
        return std::make_unique<LocksWithServersInMemory>(context);
    };
    return made;
}

constexpr const char* with_backend = R"({
    "server": {"startup": ["lock"]},
    "module": {"lock": {
        "unload_timeout": "1s",
        "backend": {"zookeeper": {"servers": ["zk1"], "session_timeout": "4s"}}}}
})";

struct BackendServer {
    BackendServer() : world(with_backend, Registry().add(lock)), servers(world.scheduler()) {
        lock_servers = &servers;
    }

    std::size_t nodes() const {
        const FakeTree::Node* const node = servers.tree().find("/weir/locks/default/key");
        return node == nullptr ? 0 : node->children.size();
    }

    const ModuleClass lock = locks_with_servers_in_memory();
    SimulatedServer world;
    FakeEnsemble servers;
};

// Returns the result, or the error as text.
Task<Json> call_lock(std::string function, Json parameters) {
    const ApiResult<Json> result = co_await call("lock", function, std::move(parameters));
    co_return result ? result.value() : Json(to_text(result.error()));
}

Task<std::string> opened_session() {
    Json none{{"name", "ann"}};
    const Json opened = co_await call_lock("open_session", std::move(none));
    co_return opened.at("session").get<std::string>();
}

Task<Json> on_key(std::string function, std::string session, Json more = Json::object()) {
    more["session"] = std::move(session);
    more["key"] = "key";
    co_return co_await call_lock(function, std::move(more));
}

// Returns what the session has lost, as soon as it loses something.
Task<Json> loss_of(std::string session, std::string longest) {
    Json parameters{{"session", session}, {"await_loss", longest}};
    const Json info = co_await call_lock("renew_session", std::move(parameters));
    co_return info.at("lost");
}

Task<> note_loss(std::string session, Json& noted) {
    noted = co_await loss_of(session, "1m");
}

}  // namespace

TEST_CASE("a lock that is broken is lost for its session, which learns it in every way") {
    SimulatedServer world(R"({"server": {"startup": ["lock"]}})", Registry().add<LockModule>());
    world.leave_behind();  // an open session
    Container container(world.scheduler());
    const auto test = [](Container& routines) -> Task<> {
        const std::string ann = co_await opened_session();
        const Json token = co_await on_key("acquire", ann);
        Json told;
        const Ref<Routine> waiting = routines.start(note_loss(ann, told));
        co_await sleep(1s);
        Json nothing{{"key", "key"}, {"token", 99}};
        const Json none = co_await call_lock("break", std::move(nothing));
        CHECK(none == 0);
        Json key{{"key", "key"}};
        const Json broken = co_await call_lock("break", std::move(key));
        CHECK(broken == 1);
        co_await sleep(1s);
        CHECK(waiting->ended());
        CHECK(told.dump() == R"([{"context":"default","key":"key","reason":"an administrator has )"
                             R"(broken it","token":)" +
                                 token.dump() + "}]");
        Json renewing{{"session", ann}};
        const Json info = co_await call_lock("renew_session", std::move(renewing));
        CHECK(info.at("lost") == told);
        CHECK(info.at("locks") == 0);
        const Json released = co_await on_key("release", ann);
        CHECK(
            released ==
            "lock_lost: lock 'key' in context 'default' was lost: an administrator has broken it");
        const Json again = co_await on_key("release", ann);
        CHECK(again == false);
        const Json statistics = co_await call_lock("statistics", Json::object());
        CHECK(statistics.at("lost") == 1);
    };
    world.run(test(container));
    CHECK(
        world.log().find("is lost: an administrator has broken it; it was held by session 'ann'") !=
        std::string::npos);
}

TEST_CASE("the settings limit how long keys are held, also those that are held already") {
    SimulatedServer world(R"({"server": {"startup": ["lock"]}, "module": {"lock": {"contexts": {
        "default": {"longest_holds": [{"keys": "k*", "time": "10s"}]}}}}})",
                          Registry().add<LockModule>());
    world.leave_behind();  // an open session
    const auto test = [](Scheduler& scheduler) -> Task<> {
        const std::string ann = co_await opened_session();
        co_await on_key("acquire", ann);
        const Time begin = scheduler.now();
        const Json lost = co_await loss_of(ann, "1m");
        CHECK(scheduler.now() - begin == 10s);
        REQUIRE(lost.size() == 1);
        CHECK(lost[0].at("reason") == "it was held for as long as is allowed (longest_holds)");
    };
    world.run(test(world.scheduler()));
}

TEST_CASE("sessions of callers share locks through ZooKeeper, and learn when these are lost") {
    BackendServer server;
    server.world.leave_behind();  // open sessions
    const auto test = [](BackendServer& s) -> Task<> {
        const std::string ann = co_await opened_session();
        Json token = co_await on_key("try", ann);
        CHECK(token.is_number());
        CHECK(s.nodes() == 1);
        const std::string bob = co_await opened_session();
        token = co_await on_key("try", bob);
        CHECK(token.is_null());
        const Json released = co_await on_key("release", ann);
        CHECK(released == true);
        token = co_await on_key("acquire", bob);
        CHECK(token.is_number());
        // All servers are cut off: the lock is lost without them.
        for (std::size_t i = 0; i != s.servers.size(); ++i) {
            s.servers.cut_from_clients(i);
        }
        const Json lost = co_await loss_of(bob, "1m");
        REQUIRE(lost.size() == 1);
        Json in_vain{{"timeout", "3s"}};
        const Json refused = co_await on_key("acquire", ann, std::move(in_vain));
        CHECK(refused.get<std::string>().find("unavailable: ") == 0);
    };
    server.world.run(test(server));
    CHECK(server.world.log().find("is lost: ") != std::string::npos);
}

TEST_CASE("a session of a caller is valid no longer than the servers that decide have confirmed") {
    BackendServer server;
    server.world.leave_behind();  // open sessions
    const auto test = [](BackendServer& s) -> Task<> {
        const std::string ann = co_await opened_session();
        const auto validity = [](std::string session) -> Task<std::string> {
            Json parameters{{"session", session}};
            const Json info = co_await call_lock("renew_session", std::move(parameters));
            co_return info.at("valid_for").get<std::string>();
        };
        const std::string free = co_await validity(ann);
        CHECK(free == "1m");  // its time to live
        co_await on_key("acquire", ann);
        const std::string held = co_await validity(ann);
        CHECK(config::decode_duration(config::Value(held)).value.value() <= 4s);
        CHECK(config::decode_duration(config::Value(held)).value.value() > 2s);
        for (std::size_t i = 0; i != s.servers.size(); ++i) {
            s.servers.cut_from_clients(i);
        }
        co_await sleep(1500ms);  // renewing the session here confirms nothing there
        const std::string later = co_await validity(ann);
        CHECK(config::decode_duration(config::Value(later)).value.value() <= 2500ms);
    };
    server.world.run(test(server));
}

TEST_CASE("a session of a caller that decides itself is valid for its time to live") {
    SimulatedServer world(R"({"server": {"startup": ["lock"]}})", Registry().add<LockModule>());
    world.leave_behind();  // an open session
    const auto test = []() -> Task<> {
        const std::string ann = co_await opened_session();
        co_await on_key("acquire", ann);
        co_await sleep(20s);
        const Json all = co_await call_lock("sessions", Json::object());
        CHECK(all.at(0).at("valid_for") == "40s");
        Json renewing{{"session", ann}};
        const Json info = co_await call_lock("renew_session", std::move(renewing));
        CHECK(info.at("valid_for") == "1m");
    };
    world.run(test());
}

TEST_CASE("a reload of lock keeps what is held and waited for through ZooKeeper") {
    BackendServer server;
    server.world.leave_behind();  // open sessions
    Container container(server.world.scheduler());
    const auto test = [](BackendServer& s, Container& routines) -> Task<> {
        Session session(s.world.scheduler(), s.servers.options());
        RemoteLocks others(session);
        const std::string ann = co_await opened_session();
        for (int round = 0; round != 2; ++round) {
            RemoteLock theirs = co_await others.lock("/weir/locks/default/key");
            Json token;
            const auto wait = [](std::string of, Json& result) -> Task<> {
                result = co_await on_key("acquire", of);
            };
            const Ref<Routine> waiting = routines.start(wait(ann, token));
            while (s.nodes() != 2) {
                co_await sleep(1ms);
            }
            Task<> reloading = s.world.loader().reload({"lock"});
            co_await reloading;  // while it waits
            CHECK(s.nodes() == 2);
            theirs.release();
            while (!waiting->ended()) {
                co_await sleep(1ms);
            }
            CHECK(token.is_number());
            Task<> again = s.world.loader().reload({"lock"});
            co_await again;  // while it holds
            CHECK(s.nodes() == 1);
            const Json released = co_await on_key("release", ann);
            CHECK(released == true);
        }
        co_await session.close();
    };
    server.world.run(test(server, container));
    CHECK(server.world.log() == "");
}

TEST_CASE("unloading lock gives everything back to ZooKeeper, in every state") {
    enum class State { idle, held, waiting, asking, cut_off, lost };
    const State state = GENERATE(State::idle, State::held, State::waiting, State::asking,
                                 State::cut_off, State::lost);
    BackendServer server;
    server.world.leave_behind();  // sessions and locks in use
    Container container(server.world.scheduler());
    const auto test = [](BackendServer& s, Container& routines, State in) -> Task<> {
        co_await opened_session();  // the module has started
        Session session(s.world.scheduler(), s.servers.options());
        RemoteLocks others(session);
        RemoteLock theirs;
        if (in == State::waiting) {
            theirs = co_await others.lock("/weir/locks/default/key");
        }
        std::string ended;
        const auto use = [](Scheduler& scheduler, std::string& how) -> Task<> {
            Lock lock(scheduler, "key");
            try {
                co_await lock.lock();
                co_await sleep(1h);
            } catch (const LockError& error) {
                how = error.what();
            }
        };
        const Ref<Routine> user =
            in == State::idle ? nullptr : routines.start(use(s.world.scheduler(), ended));
        const std::size_t nodes = in == State::idle || in == State::asking ? 0
                                  : in == State::waiting                   ? 2
                                                                           : 1;
        while (s.nodes() != nodes) {
            co_await sleep(1ms);
        }
        if (in == State::cut_off || in == State::lost) {
            for (std::size_t i = 0; i != s.servers.size(); ++i) {
                s.servers.cut_from_clients(i);
            }
            co_await sleep(in == State::lost ? 20s : 500ms);
        }
        Task<> unloading = s.world.loader().unload("lock", true);
        co_await unloading;
        for (std::size_t i = 0; i != s.servers.size(); ++i) {
            s.servers.heal(i);
        }
        theirs.release();
        co_await others.all_left();
        co_await sleep(10s);
        CHECK(s.nodes() == 0);
        CHECK((in != State::waiting || ended.find("the lock queue has been removed") == 0));
        if (user != nullptr) {
            user->close();
        }
        co_await session.close();
        CHECK(s.servers.sessions() == 0);
        Task<> loading = s.world.loader().load("lock");
        co_await loading;
        const std::string ann = co_await opened_session();
        const Json token = co_await on_key("acquire", ann);
        CHECK(token.is_number());
    };
    server.world.run(test(server, container, state));
}

TEST_CASE("the lock is unloaded although the servers of its backend do not answer") {
    BackendServer s;
    const auto test = [](BackendServer& server) -> Task<> {
        const std::string ann = co_await opened_session();
        const Json token = co_await on_key("acquire", ann);
        CHECK(token.is_number());
        const Json released = co_await on_key("release", ann);
        CHECK(released == true);
        for (std::size_t i = 0; i != server.servers.size(); ++i) {
            server.servers.cut_from_clients(i);
        }
        Task<> unloading = server.world.loader().unload("lock");
        co_await unloading;
        const Json gone = co_await on_key("acquire", ann);
        CHECK(gone.get<std::string>().find("lock") != std::string::npos);
    };
    s.world.run(test(s));
    CHECK(s.world.log().find("unload() of the module 'lock' did not end within 1s: "
                             "the module is unloaded nevertheless") != std::string::npos);
}
