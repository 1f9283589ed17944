// The module `redis` with a server in memory.

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "core/wait/run_in_scheduler.h"
#include "modules/include/weir/testing.h"
#include "modules/redis/plugin/module.h"
#include "modules/redis/test_world.h"
#include "modules/system/call/json.h"
#include "modules/system/event/event_json.h"

using namespace weir;
using namespace weir::redis;

namespace {

using Lines = std::vector<std::string>;

// Of the running test; outlives the modules.
FakeServer* fake = nullptr;

class WithServerInMemory : public RedisModule {
public:
    using RedisModule::RedisModule;

private:
    ClientOptions client_options(std::string client_name) const override {
        ClientOptions options = settings().options(std::move(client_name));
        options.connect = fake->options().connect;
        return options;
    }
};

ModuleClass with_server_in_memory() {
    ModuleClass made = module_class<RedisModule>();
    made.make = [](const ModuleContext& context) -> std::unique_ptr<Module> {
        return std::make_unique<WithServerInMemory>(context);
    };
    return made;
}

// Another module, which uses the connection in C++.
class Counter : public Module {
public:
    using Module::Module;

    static auto declare() {
        return declare_module<Counter>("counter", "Counts for all machines")
            .depends_on("redis")
            .function("next", "Returns the next number", &Counter::next);
    }

private:
    Task<std::int64_t> next() {
        const Reply reply = co_await ClientHost::of(*this).client().command("INCR", "counter");
        co_return reply.integer;
    }
};

std::string answer_of_the_test(const FakeServer::Words& command) {
    if (command[0] == "MIX") {
        return "*6\r\n$-1\r\n:7\r\n,1.5\r\n#t\r\n%2\r\n+a\r\n:1\r\n:5\r\n_\r\n-ERR one\r\n";
    }
    if (command[0] == "BYTES") {
        return bulk("\xff");
    }
    if (command[0] == "INCR") {
        return ":41\r\n";
    }
    if (command[0] == "BAD") {
        return "-WRONGTYPE not this\r\n";
    }
    if (command[0] == "PUBLISH") {
        return ":2\r\n";
    }
    return command[0] == "WORSE" ? "-ERR wrong\r\n" : fake->usual_answer(command);
}

std::string app_with(const char* settings) {
    return R"({"server": {"startup": ["counter"]}, "module": {"redis": )" + std::string(settings) +
           "}}";
}

struct World {
    explicit World(const char* settings = "{}")
        : world(app_with(settings), Registry().add(redis).add<Counter>()), here(world.scheduler()) {
        fake = &here;
        here.answer = answer_of_the_test;
    }
    ~World() { fake = nullptr; }

    const ModuleClass redis = with_server_in_memory();
    SimulatedServer world;
    FakeServer here;
};

// Returns the result as text, or the error's code.
Task<std::string> ask(std::string module, std::string function, std::string parameters) {
    Json json = Json::parse(parameters);
    const ApiResult<Json> result =
        co_await call(std::move(module), std::move(function), std::move(json));
    co_return result ? result.value().dump() : result.error().code;
}

Task<> receive(Lines& events, std::size_t count) {
    const MatcherOf<api::MessageEvent> any_message = match<api::MessageEvent>();
    while (events.size() != count) {
        const Ref<api::MessageEvent> event = co_await any_message;
        event->set_ignorable();
        events.push_back(std::string(event->channel.get()) + '|' + event->pattern + '|' +
                         event->payload + '|' + json_of(event->data).dump());
    }
}

// Makes a queue for messages that is full until one of them has a receiver.
Ref<Queue> add_full_queue(Scheduler& scheduler) {
    const Ref<Queue> queue =
        scheduler.queue().add("full", 0, match<api::MessageEvent>().make(), {.max_default = 1});
    Ref<api::MessageEvent> held = make_event<api::MessageEvent>(
        "a", "redis", std::string(), std::string("held"), config::Value());
    held->set_ignorable(false);
    scheduler.emergency_send(std::move(held));
    return queue;
}

Task<> remove(Scheduler& scheduler, Ref<Queue> queue) {
    auto removing = [&scheduler, queue](const Scheduler::Processor& processor) {
        clear_queue(scheduler, *queue, processor);
        remove_queue(scheduler, *queue, processor);
    };
    co_await run_in_scheduler(std::move(removing));
}

}  // namespace

TEST_CASE("callers get replies as JSON that keeps their types, and errors as codes") {
    World world;
    const auto test = []() -> Task<> {
        const auto expect = [](const char* function, const char* parameters,
                               const char* expected) -> Task<> {
            const std::string result = co_await ask("redis", function, parameters);
            CHECK(result == expected);
        };
        co_await expect("command", R"({"arguments": ["ECHO", "a"]})", R"("a")");
        co_await expect("command", R"({"arguments": ["ECHO", 12]})", R"("12")");
        co_await expect("command", R"({"arguments": ["ECHO", {"x": [1, true]}]})",
                        R"json("{\"x\":[1,true]}")json");
        co_await expect("command", R"({"arguments": ["MIX"]})",
                        R"([null,7,1.5,true,{"5":null,"a":1},{"error":"ERR one"}])");
        co_await expect("command", R"({"arguments": ["BAD"]})", "wrongtype");
        co_await expect("command", R"({"arguments": ["WORSE"]})", "refused");
        co_await expect("command", R"({"arguments": ["BYTES"]})", "not_text");
        co_await expect("command", R"({"arguments": ["MULTI"]})", "bad_parameter");
        co_await expect("command", R"({"arguments": []})", "bad_parameter");
        co_await expect("script", R"({"text": "return 1", "keys": ["k"]})", R"("OK")");
        co_await expect("publish", R"({"channel": "c", "payload": {"n": 1}})", "2");
        const std::string status = co_await ask("redis", "status", "{}");
        CHECK(Json::parse(status).at("commands").at("connected") == true);
        CHECK(Json::parse(status).at("commands").at("version") == 3);
        CHECK(Json::parse(status).at("messages").is_null());
    };
    world.world.run(test());
    CHECK(world.here.commands.back() == R"(PUBLISH c {"n":1})");
    CHECK(world.world.log() == "");
}

TEST_CASE(
    "a command that may have been executed is in doubt, and one that was not is unavailable") {
    World world(R"({"command_timeout": "2s"})");
    const auto test = [](FakeServer& here) -> Task<> {
        here.answer = [&](const FakeServer::Words& command) {
            return command[0] == "HELLO" ? here.usual_answer(command) : "";
        };
        std::string result = co_await ask("redis", "command", R"({"arguments": ["INCR", "a"]})");
        CHECK(result == "in_doubt");
        result = co_await ask("redis", "command",
                              R"({"arguments": ["GET", "a"], "safe_to_repeat": true})");
        CHECK(result == "unavailable");
        here.refuses = true;
        here.cut();
        co_await sleep(1s);
        result = co_await ask("redis", "command", R"({"arguments": ["INCR", "a"]})");
        CHECK(result == "unavailable");
    };
    world.world.run(test(world.here));
    CHECK(world.world.log() ==
          "warning: tcp://127.0.0.1:6379 does not answer\n"
          "warning: reading from memory: connection reset by peer (ECONNRESET)\n"
          "warning: connecting to tcp://fake:1: connection refused (ECONNREFUSED)\n");
}

TEST_CASE("messages are events, with what they are as JSON, also across a reload") {
    World world(R"({"channels": ["orders"], "patterns": ["n.*"]})");
    Lines events;
    const auto test = [](World& w) -> Task<> {
        co_await sleep(1s);
        w.here.send(list_of({"message", "orders", R"({"id": 7})"}, '>') +
                    list_of({"message", "orders", "\xff"}, '>') +
                    list_of({"pmessage", "n.*", "n.x", "no JSON"}, '>'));
        co_await sleep(1s);
        const int attempts = w.here.attempts;
        Task<> reloading = w.world.loader().reload({"redis", "counter"});
        co_await reloading;
        w.here.send(list_of({"message", "orders", "[]"}, '>'));
        co_await sleep(1s);
        CHECK(w.here.attempts == attempts);
        const std::string next = co_await ask("counter", "next", "{}");
        CHECK(next == "41");
    };
    const auto both = [&]() -> Task<> {
        Container receiving(world.world.scheduler());
        receiving.start(receive(events, 3), {.name = "receive", .daemon = true});
        co_await test(world);
    };
    world.world.run(both());
    CHECK(events ==
          Lines{R"(orders||{"id": 7}|{"id":7})", "n.x|n.*|no JSON|null", "orders||[]|[]"});
    CHECK(world.world.log() ==
          "warning: a message that is not UTF-8 becomes no event; metrics count further ones "
          "(not_text)\n");
}

TEST_CASE("messages that wait to be events will be, also when channels or the server change") {
    World world(R"({"channels": ["a"]})");
    Lines events;
    const auto test = [](World& w, Lines& all) -> Task<> {
        co_await sleep(1s);
        const Ref<Queue> full = add_full_queue(w.world.scheduler());
        w.here.send(list_of({"message", "a", "1"}, '>') + list_of({"message", "a", "2"}, '>') +
                    list_of({"message", "a", "3"}, '>'));
        co_await sleep(1s);
        w.world.server().reconfigure(SimulatedServer::read(app_with(R"({"channels": ["b"]})")));
        co_await sleep(1s);
        w.here.send(list_of({"message", "b", "4"}, '>'));
        co_await sleep(1s);
        w.world.server().reconfigure(
            SimulatedServer::read(app_with(R"({"channels": ["b"], "database": 1})")));
        Task<> reloading = w.world.loader().reload({"redis", "counter"});
        co_await reloading;
        CHECK(all.empty());
        Container receiving(w.world.scheduler());
        receiving.start(receive(all, 5), {.name = "receive", .daemon = true});
        co_await sleep(1s);
        co_await remove(w.world.scheduler(), full);
    };
    world.world.run(test(world, events));
    CHECK(events == Lines{"a||held|null", "a||1|1", "a||2|2", "a||3|3", "b||4|4"});
    CHECK(std::ranges::count(world.here.commands, "SUBSCRIBE b") == 2);
}

TEST_CASE("messages that wait when the last channel goes are told, because they become no events") {
    World world(R"({"channels": ["a"]})");
    const auto test = [](World& w) -> Task<> {
        co_await sleep(1s);
        const Ref<Queue> full = add_full_queue(w.world.scheduler());
        w.here.send(list_of({"message", "a", "1"}, '>') + list_of({"message", "a", "2"}, '>'));
        co_await sleep(1s);
        w.world.server().reconfigure(SimulatedServer::read(app_with("{}")));
        co_await remove(w.world.scheduler(), full);
    };
    world.world.run(test(world));
    CHECK(world.world.log() ==
          "warning: 2 messages become no events: there are no channels any more\n");
}

TEST_CASE("several servers are several modules of the plugin") {
    const ModuleClass redis = with_server_in_memory();
    SimulatedServer world(R"({
        "server": {"startup": ["cache", "bus"]},
        "module": {"cache": {"plugin": "redis", "server": "tcp://cache"},
                   "bus": {"plugin": "redis", "server": "unix:bus.sock", "channels": ["a"]}}
    })",
                          Registry().add(redis));
    FakeServer here(world.scheduler());
    here.answer = answer_of_the_test;
    fake = &here;
    const auto test = []() -> Task<> {
        co_await sleep(1s);
        const std::string cache = co_await ask("cache", "status", "{}");
        CHECK(Json::parse(cache).at("server") == "tcp://cache:6379");
        const std::string bus = co_await ask("bus", "status", "{}");
        CHECK(Json::parse(bus).at("messages").at("connected") == true);
    };
    world.run(test());
    CHECK(std::ranges::count(here.commands, "HELLO 3 SETNAME cache") == 1);
    CHECK(std::ranges::count(here.commands, "HELLO 3 SETNAME bus") == 1);
    CHECK(std::ranges::count(here.commands, "HELLO 3 SETNAME bus.messages") == 1);
    CHECK(world.log() == "");
    fake = nullptr;
}
