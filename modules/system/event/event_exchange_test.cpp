#include "modules/system/event/event_exchange.h"

#include <vector>

#include "core/wait/send.h"
#include "core/wait/timeout.h"
#include "modules/system/call/api_error.h"
#include "modules/system/call/caller.h"
#include "modules/system/event/describe_event.h"
#include "modules/system/event/event_json.h"
#include "modules/testing/simulated_server.h"

namespace weir {
namespace {

using namespace std::chrono_literals;

struct Order : Event {
    Index<std::string> customer;
    int loaves = 1;

    static auto declare() {
        return portable_event<Order>("test.Order", "A customer wants loaves",
                                     member("customer", &Order::customer, "Who"),
                                     member("loaves", &Order::loaves, "How many").range(1, 100));
    }
};

struct RushOrder : Order {
    Index<int> minutes;

    static auto declare() {
        return portable_event<RushOrder, Order>(
            "test.RushOrder", "A customer is in a hurry",
            member("minutes", &RushOrder::minutes, "How soon").required());
    }
};

struct SecretOrder : Order {
    static auto declare() {
        return described_event<SecretOrder, Order>("test.SecretOrder", "Nobody must know");
    }
};

struct Job : Event {
    Index<int> number;
    static auto declare() {
        return portable_event<Job>("test.Job", "There is work",
                                   member("number", &Job::number, "Which"))
            .blocking();
    }
};

struct Private : Event {
    Index<const Event*> identity;
    static auto declare() {
        return declare_event<Private>("test.Private").index("identity", &Private::identity);
    }
};

// Has the event types of this test, and a queue with room for two orders.
class Shop final : public Module {
public:
    using Module::Module;
    static auto declare() {
        return declare_module<Shop>("shop", "Takes orders")
            .event<Order>()
            .event<RushOrder>()
            .event<SecretOrder>()
            .event<Job>()
            .event<Private>()
            .queue<Order>("orders", 500, {.max_default = 2});
    }
};

constexpr std::string_view app = R"({"server": {"startup": ["shop"],
    "events": {"house.Door": {
        "indices": [{"name": "room"}, {"name": "number", "type": "integer", "default": 1}],
        "members": [{"name": "open", "type": "boolean", "default": false}]}},
    "queues": [{"name": "doors", "event": "house.Door", "index": {"room": "hall"}}]}})";

struct World : SimulatedServer {
    World() : SimulatedServer(app, Registry{}.add<Shop>()) {}
    EventExchange& events() { return server().events(); }
    void run(Task<> task) { SimulatedServer::run(when_loaded(std::move(task))); }

private:
    Task<> when_loaded(Task<> task) {
        Task<> loading = loader().load("shop");
        co_await loading;
        co_await task;
    }
};

std::string error_of(const std::function<void()>& function) {
    try {
        function();
    } catch (const ApiException& error) {
        return to_text(error.error());
    }
    return "none";
}

Task<std::string> error_of(Task<> task) {
    std::string error = "none";
    try {
        co_await task;
    } catch (const ApiException& exception) {
        error = to_text(exception.error());
    }
    co_return error;
}

std::string text_of(const EventWatch::Item& item) {
    return item.event != nullptr ? item.event->type + item.event->json
                                 : "lost " + std::to_string(item.lost);
}

// Returns all items of the watch, a line each.
Task<std::string> all_of(EventWatch& watch) {
    co_await sleep(1s);
    std::string result;
    while (watch.ready()) {
        result += text_of(watch.take()) + '\n';
    }
    co_return result;
}

std::string order(std::string_view customer, int loaves) {
    return R"(test.Order{"customer":")" + std::string(customer) + R"(","loaves":)" +
           std::to_string(loaves) + "}\n";
}

TEST_CASE("An event that is sent as data reaches the routines that wait for it") {
    World world;
    std::string got;
    const auto receive = [](std::string& result) -> Task<> {
        const Ref<Order> order = co_await match<Order>("ann");
        result = std::to_string(order->loaves);
    };
    const auto run = [](World& at, std::string& result, decltype(receive)& receiver) -> Task<> {
        Container container(at.scheduler());
        container.start(receiver(result));
        co_await at.events().publish("test.Order", R"({"customer": "ann", "loaves": 7})");
        co_await sleep(1s);
    };
    world.run(run(world, got, receive));
    CHECK(got == "7");
}

TEST_CASE("What cannot be sent is refused with the reason") {
    World world;
    const auto run = [](World& at) -> Task<> {
        const auto refused = [&at](std::string type, std::string json) {
            return error_of(at.events().publish(std::move(type), std::move(json)));
        };
        CHECK(co_await refused("test.Ordr", "{}") ==
              "unknown_event: unknown event type 'test.Ordr' (did you mean 'test.Order'?)");
        CHECK(co_await refused("test.Private", "{}") ==
              "not_portable: 'test.Private' cannot be sent: it is not portable: its declaration "
              "does not describe its members");
        CHECK(co_await refused("test.SecretOrder", "{}") ==
              "not_portable: 'test.SecretOrder' cannot be sent: it is not portable: it is declared "
              "for this process only");
        CHECK((co_await refused("weir.TimerEvent", "{}")).starts_with("not_portable: "));
        CHECK(co_await refused("test.Order", R"({"loaves": 0})") ==
              "bad_event: event:1:12: loaves: 0 is out of range: 1 to 100");
    };
    world.run(run(world));
}

TEST_CASE("A sender of data waits for room in the queue, and gives up after its time") {
    World world;
    const auto run = [](World& at) -> Task<> {
        const auto blocked = [](Event& event) { event.set_ignorable(false); };
        for (int i = 0; i != 2; ++i) {
            const Ref<Order> order = make_event<Order>("ann", 1);
            blocked(*order);
            co_await send(order);
        }
        const Time began = at.scheduler().now();
        PublishOptions options;
        options.timeout = 3s;
        const std::string late =
            co_await error_of(at.events().publish("test.Order", "{}", options));
        CHECK(late == "timeout: no room in the queue of 'test.Order' within 3s");
        CHECK(at.scheduler().now() - began == 3s);
        at.scheduler().ignore(match<Order>().make());
        const std::string in_time =
            co_await error_of(at.events().publish("test.Order", "{}", options));
        CHECK(in_time == "none");
    };
    world.run(run(world));
}

TEST_CASE("A watch receives the events of its type and of types that extend it, as data") {
    World world;
    const auto run = [](World& at) -> Task<> {
        const auto all = at.events().watch("test.Order");
        const auto ann = at.events().watch("test.Order", {{"customer", "ann"}});
        co_await send(make_event<Order>("ann", 2));
        co_await send(make_event<RushOrder>("bob", 3, 5));
        co_await send(make_event<SecretOrder>("ann", 4));
        const std::string all_seen = co_await all_of(*all);
        CHECK(all_seen == order("ann", 2) + R"(test.RushOrder{"customer":"bob","loaves":3,)"
                                            R"("minutes":5})"
                                            "\n");
        const std::string ann_seen = co_await all_of(*ann);
        CHECK(ann_seen == order("ann", 2));
        CHECK(ann->matcher().describe() == R"(test.Order("ann"))");
    };
    world.run(run(world));
}

TEST_CASE("Events of types that the configuration declares are sent, queued and watched") {
    World world;
    const auto run = [](World& at) -> Task<> {
        const auto watch = at.events().watch("house.Door", {{"number", "2"}});
        co_await at.events().publish("house.Door", R"({"room": "hall", "open": true})");
        co_await at.events().publish("house.Door", R"({"room": "hall", "number": 2})");
        const std::string seen = co_await all_of(*watch);
        CHECK(seen == R"(house.Door{"room":"hall","number":2,"open":false})"
                      "\n");
        CHECK(at.scheduler().queue().find("doors")->popped() == 2);
    };
    world.run(run(world));
}

TEST_CASE("What cannot be watched is refused with the reason") {
    World world;
    const auto run = [](World& at) -> Task<> {
        const auto refused = [&at](const char* type, std::vector<IndexFilter> filters) {
            return error_of([&] { at.events().watch(type, filters); });
        };
        CHECK(refused("test.Job", {}) ==
              "not_portable: 'test.Job' cannot be watched: its events are not ignorable, each is "
              "for the routine that processes it");
        CHECK(refused("test.Private", {}).starts_with("not_portable: "));
        CHECK(refused("test.Order", {{"custmer", "ann"}}) ==
              "bad_event: unknown index 'custmer' (did you mean 'customer'?)");
        CHECK(refused("test.Order", {{"loaves", "1"}}).starts_with("bad_event: unknown index"));
        CHECK(refused("test.RushOrder", {{"minutes", "soon"}}) ==
              "bad_event: minutes: expected an integer, found the string \"soon\"");
        CHECK(at.events().topics() == 0);
        co_return;
    };
    world.run(run(world));
}

TEST_CASE("A text index takes the text of a filter as it stands, whatever it looks like") {
    World world;
    const auto run = [](World& at) -> Task<> {
        const auto watch = at.events().watch("test.Order", {{"customer", "7"}});
        co_await send(make_event<Order>("7", 2));
        const std::string seen = co_await all_of(*watch);
        CHECK(seen.starts_with("test.Order{"));
    };
    world.run(run(world));
}

TEST_CASE("A watch that is not read loses the events that follow, and says how many and where") {
    World world;
    const auto run = [](World& at) -> Task<> {
        WatchOptions options;
        options.limits.events = 2;
        const auto slow = at.events().watch("test.Order", {}, options);
        const auto fast = at.events().watch("test.Order");
        for (int i = 1; i <= 5; ++i) {
            co_await send(make_event<Order>("ann", i));
            co_await sleep(1s);
        }
        CHECK(text_of(slow->take()) == R"(test.Order{"customer":"ann","loaves":1})");
        co_await send(make_event<Order>("ann", 6));
        co_await sleep(1s);
        const std::string seen = co_await all_of(*slow);
        CHECK(seen == order("ann", 2) + "lost 3\n" + order("ann", 6));
        CHECK(slow->lost() == 3);
        CHECK(fast->ready());
        CHECK(fast->lost() == 0);
    };
    world.run(run(world));
}

TEST_CASE("A watch keeps no more bytes than its limit, but always one event") {
    World world;
    const auto run = [](World& at) -> Task<> {
        WatchOptions options;
        options.limits.bytes = 10;
        const auto watch = at.events().watch("test.Order", {}, options);
        co_await send(make_event<Order>("ann", 1));
        co_await send(make_event<Order>("ann", 2));
        const std::string seen = co_await all_of(*watch);
        CHECK(seen == order("ann", 1) + "lost 1\n");
    };
    world.run(run(world));
}

TEST_CASE("A routine waits for the next event of a watch") {
    World world;
    std::vector<std::string> seen;
    const auto read = [](EventWatch& watch, std::vector<std::string>& result) -> Task<> {
        for (;;) {
            const EventWatch::Item item = co_await watch.next();
            result.push_back(text_of(item));
        }
    };
    const auto run = [](World& at, decltype(read)& reader,
                        std::vector<std::string>& result) -> Task<> {
        const auto watch = at.events().watch("test.Order");
        Container container(at.scheduler());
        container.start(reader(*watch, result), {.daemon = true});
        for (int i = 1; i <= 3; ++i) {
            co_await send(make_event<Order>("ann", i));
            co_await sleep(1s);
            CHECK(result.size() == static_cast<std::size_t>(i));
        }
        container.close();
    };
    world.run(run(world, read, seen));
    CHECK(seen.back() == R"(test.Order{"customer":"ann","loaves":3})");
}

TEST_CASE("What a bridge has brought is not forwarded by a bridge, but seen by other watches") {
    World world;
    const auto run = [](World& at) -> Task<> {
        WatchOptions bridge;
        bridge.bridge = true;
        const auto forwarder = at.events().watch("test.Order", {}, bridge);
        const auto client = at.events().watch("test.Order");
        PublishOptions from_bridge;
        from_bridge.bridge = true;
        co_await at.events().publish("test.Order", R"({"loaves": 1})", from_bridge);
        co_await at.events().publish("test.Order", R"({"loaves": 2})");
        const std::string forwarded = co_await all_of(*forwarder);
        CHECK(forwarded == order("", 2));
        const std::string seen = co_await all_of(*client);
        CHECK(seen == order("", 1) + order("", 2));
    };
    world.run(run(world));
}

TEST_CASE("A watch continues an earlier one from its position, as far as events are kept") {
    World world;
    const auto run = [](World& at) -> Task<> {
        WatchOptions options;
        options.resumable = true;
        auto first = at.events().watch("test.Order", {}, options);
        co_await send(make_event<Order>("ann", 1));
        co_await send(make_event<Order>("ann", 2));
        co_await sleep(1s);
        options.after = first->take().event->position;
        first.reset();
        co_await send(make_event<Order>("ann", 3));
        co_await sleep(1s);
        {
            const auto second = at.events().watch("test.Order", {}, options);
            const std::string seen = co_await all_of(*second);
            CHECK(seen == order("ann", 2) + order("ann", 3));
        }
        // A minute after the last watch the events are forgotten, and a watch learns of the gap.
        co_await sleep(EventTopics::history_time + 1s);
        CHECK(at.events().topics() == 0);
        {
            const auto third = at.events().watch("test.Order", {}, options);
            const std::string seen = co_await all_of(*third);
            CHECK(seen == "lost 0\n");
        }
        co_await sleep(EventTopics::history_time + 1s);
    };
    world.run(run(world));
}

TEST_CASE("A watch that has received nothing leaves nothing when it ends") {
    World world;
    const auto run = [](World& at) -> Task<> {
        WatchOptions options;
        options.resumable = true;
        for (int i = 0; i < 100; ++i) {
            at.events().watch("test.Order", {{"customer", std::to_string(i)}}, options);
        }
        CHECK(at.events().topics() == 0);
        co_return;
    };
    world.run(run(world));
}

TEST_CASE("The events of a limited number of ended watches are kept, those of the latest ones") {
    World world;
    const auto run = [](World& at) -> Task<> {
        WatchOptions options;
        options.resumable = true;
        const auto watched = at.events().watch("test.Order", {{"customer", "in use"}}, options);
        std::vector<std::string> positions;
        for (std::size_t i = 0; i < EventTopics::most_unwatched + 2; ++i) {
            const std::string customer = std::to_string(i);
            const auto watch = at.events().watch("test.Order", {{"customer", customer}}, options);
            co_await send(make_event<Order>(customer, 1));
            EventWatch::Item item = co_await watch->next();
            positions.push_back(item.event->position);
        }
        CHECK(at.events().topics() == EventTopics::most_unwatched + 1);
        const auto continued = [&](std::size_t index) {
            const std::string customer = std::to_string(index);
            options.after = positions[index];
            return at.events().watch("test.Order", {{"customer", customer}}, options);
        };
        // The first two were dropped for the last two; all others go on without a gap.
        CHECK(continued(1)->ready());
        CHECK_FALSE(continued(2)->ready());
        CHECK_FALSE(continued(EventTopics::most_unwatched + 1)->ready());
        co_await sleep(EventTopics::history_time + 1s);
        CHECK(at.events().topics() == 1);
    };
    world.run(run(world));
}

TEST_CASE(
    "The events of ended watches have a limited size together, those of the latest are kept") {
    World world;
    const auto run = [](World& at) -> Task<> {
        WatchOptions options;
        options.resumable = true;
        const std::string text(900'000, 'x');
        const std::size_t kept = EventTopics::most_unwatched_bytes / text.size();
        std::vector<std::string> positions;
        // Matches all events, and is the first to be dropped: while it receives one.
        auto all = at.events().watch("test.Order", {}, options);
        co_await send(make_event<Order>("", 1));
        co_await all->next();
        all.reset();
        for (std::size_t i = 0; i < kept + 2; ++i) {
            const std::string customer = std::to_string(i) + text;
            const auto watch = at.events().watch("test.Order", {{"customer", customer}}, options);
            co_await send(make_event<Order>(customer, 1));
            EventWatch::Item item = co_await watch->next();
            positions.push_back(item.event->position);
        }
        CHECK(at.events().topics() <= kept);
        CHECK(at.events().topics() > kept - 3);
        const auto continued = [&](std::size_t index) {
            const std::string customer = std::to_string(index) + text;
            options.after = positions[index];
            return at.events().watch("test.Order", {{"customer", customer}}, options);
        };
        CHECK(continued(1)->ready());
        CHECK_FALSE(continued(kept)->ready());
        CHECK_FALSE(continued(kept + 1)->ready());
        co_await sleep(EventTopics::history_time + 1s);
        CHECK(at.events().topics() == 0);
    };
    world.run(run(world));
}

TEST_CASE("Each ended watch is kept for its own minute, however often it is continued") {
    World world;
    const auto run = [](World& at) -> Task<> {
        WatchOptions options;
        options.resumable = true;
        auto ann = at.events().watch("test.Order", {{"customer", "ann"}}, options);
        auto bob = at.events().watch("test.Order", {{"customer", "bob"}}, options);
        co_await send(make_event<Order>("ann", 1));
        co_await send(make_event<Order>("bob", 1));
        co_await sleep(1s);
        ann.reset();
        co_await sleep(EventTopics::history_time / 2);
        bob.reset();
        co_await sleep(EventTopics::history_time / 4);
        at.events().watch("test.Order", {{"customer", "ann"}}, options);
        co_await sleep(EventTopics::history_time * 3 / 4 + 1s);
        CHECK(at.events().topics() == 1);  // bob's is gone, ann's began anew
        co_await sleep(EventTopics::history_time / 4);
        CHECK(at.events().topics() == 0);
    };
    world.run(run(world));
}

TEST_CASE("A position that no watch has given is a gap before all that is kept") {
    World world;
    const auto run = [](World& at) -> Task<> {
        WatchOptions options;
        options.resumable = true;
        auto first = at.events().watch("test.Order", {}, options);
        co_await send(make_event<Order>("ann", 1));
        co_await sleep(1s);
        for (const char* wrong : {"x", "-1", "0123456789abcdef-1"}) {
            options.after = wrong;
            const auto other = at.events().watch("test.Order", {}, options);
            const std::string seen = co_await all_of(*other);
            CHECK(seen.starts_with("lost 0\n"));
        }
        first.reset();
        co_await sleep(EventTopics::history_time + 1s);
    };
    world.run(run(world));
}

TEST_CASE(
    "The types of a module that is unloaded are gone, and their watches go on when it is back") {
    World world;
    const auto run = [](World& at) -> Task<> {
        const auto watch = at.events().watch("test.Order");
        Task<> unloading = at.loader().unload("shop");
        co_await unloading;
        CHECK((co_await error_of(at.events().publish("test.Order", "{}")))
                  .starts_with("unknown_event: "));
        CHECK(config::to_json(at.events().types()).find("test.") == std::string::npos);
        Task<> loading = at.loader().load("shop");
        co_await loading;
        co_await at.events().publish("test.Order", "{}");
        const std::string seen = co_await all_of(*watch);
        CHECK(seen.starts_with("test.Order{"));
    };
    world.run(run(world));
}

TEST_CASE("All portable types are described, with indices, members and defaults") {
    World world;
    const auto run = [](World& at) -> Task<> {
        const config::Value all = at.events().types();
        std::string names;
        for (const config::Value& type : *all.get<config::Value::List>()) {
            names += *type.find("type")->get<std::string>() + ' ';
        }
        CHECK(names == "house.Door test.Job test.Order test.RushOrder ");
        CHECK(config::to_json(at.events().type("test.RushOrder")) ==
              R"({"type":"test.RushOrder","description":"A customer is in a hurry",)"
              R"("module":"shop","extends":"test.Order","ignorable":true,"indices":[)"
              R"({"name":"customer","type":"string","required":false,"default":"",)"
              R"("description":"Who"},)"
              R"({"name":"minutes","type":"integer","required":true,"description":"How soon"}],)"
              R"("members":[{"name":"loaves","type":"integer","allowed":"1 to 100",)"
              R"("required":false,"default":1,"description":"How many"}]})");
        CHECK(error_of([&] { at.events().type("x"); }).starts_with("unknown_event: "));
        co_return;
    };
    world.run(run(world));
}

TEST_CASE("Clients outside list, send and watch events by their rights alone") {
    World world;
    const auto run = [](World& at) -> Task<> {
        const EventExchange& exchange = at.events();
        const Ref<AccessRules> rules(new AccessRules);
        rules->change({{"lister", {.may = {"server.list_events"}}},
                       {"sender", {.may = {"server.send_event"}}},
                       {"watcher", {.may = {"server.watch_events"}}}},
                      {});
        const auto denied = [](const std::string& error, std::string_view right) {
            return error.starts_with("denied: ") && error.find(right) != std::string::npos;
        };
        for (const std::string role : {"lister", "sender", "watcher"}) {
            INFO(role);
            const Caller client(rules, "ann", {role});
            // What does not exist, too: what exists is told to those alone who may know.
            for (const std::string type : {"test.Order", "test.Nothing"}) {
                const auto is_right = [&](const std::string& error, std::string_view its_role,
                                          std::string_view right) {
                    return role == its_role ? !denied(error, "") : denied(error, right);
                };
                CHECK(is_right(error_of([&] { exchange.type(client, type); }), "lister",
                               "server.list_events"));
                CHECK(is_right(error_of([&] { at.events().watch(client, type); }), "watcher",
                               "server.watch_events"));
                Task<> sending = at.events().publish(client, type, "{}");
                Task<std::string> failing = error_of(std::move(sending));
                CHECK(is_right(co_await failing, "sender", "server.send_event"));
            }
            CHECK((error_of([&] { exchange.types(client); }) == "none") == (role == "lister"));
            CHECK(EventExchange::refusal_to_watch(client).has_value() == (role != "watcher"));
        }
    };
    world.run(run(world));
}

}  // namespace
}  // namespace weir
