#include "modules/manager/event_content.h"

#include <string>

#include <catch2/catch.hpp>

#include "core/wait/do_events.h"
#include "core/wait/timeout.h"
#include "modules/system/event/describe_event.h"
#include "modules/system/event/event_exchange.h"
#include "modules/testing/simulated_server.h"

namespace weir {

namespace {

struct Note : Event {
    Index<int> number;
    std::string text;
    std::vector<int> list;

    static auto declare() {
        return portable_event<Note>("weir.event_content_test.Note", "Somebody wrote something",
                                    member("number", &Note::number, "Which"),
                                    member("text", &Note::text, "What"),
                                    member("list", &Note::list, "More"));
    }
};

struct Secret : Event {
    Index<int> number;

    static auto declare() {
        return described_event<Secret>("weir.event_content_test.Secret", "For this process only",
                                       member("number", &Secret::number, "Which"));
    }
};

Caller with(const char* role, const char* right) {
    Ref<AccessRules> rules(new AccessRules);
    rules->change({{role, {.may = {right}}}}, {});
    return Caller(std::move(rules), "", {role});
}

constexpr const char* bells = R"({"server": {"startup": ["manager"],
    "roles": {"looker": {"may": ["manager.inspect"]},
              "watcher": {"may": ["manager.inspect", "server.watch_events"]}},
    "events": {"house.Bell": {"indices": [{"name": "room"}], "ignorable": false}},
    "queues": [{"event": "house.Bell", "name": "bells"}]}})";

Task<Json> inspect_as(Server& server, const char* role) {
    Ref<Caller> client(new Caller(server.access().rules(), "", {role}));
    Json parameters{{"events", true}};
    const ApiResult<Json> result =
        co_await call_for(std::move(client), ApiName("manager", "inspect"), std::move(parameters));
    REQUIRE(result);
    co_return result.value();
}

Json queue_of(const Json& inspection, const std::string& name) {
    for (const Json& queue : inspection.at("queue").at("subqueues")) {
        if (queue.at("name") == name) {
            return queue;
        }
    }
    return {};
}

Task<> look_at_bells(SimulatedServer& world) {
    Server& server = world.server();
    for (const char* room : {"hall", "attic"}) {
        co_await server.events().publish("house.Bell", std::string(R"({"room": ")") + room + "\"}");
    }
    co_await sleep(std::chrono::seconds(1));  // nobody processes the first, which blocks its queue
    Task<Json> watching = inspect_as(server, "watcher");
    const Json seen = co_await watching;
    REQUIRE(seen.at("blocked_events").size() == 1);
    CHECK(seen.at("blocked_events")[0].at("content") == Json{{"room", "hall"}});
    const Json events = queue_of(seen, "bells").at("events");
    REQUIRE(events.size() == 2);
    CHECK(events[1].at("content") == Json{{"room", "attic"}});
    Task<Json> looking = inspect_as(server, "looker");
    const Json hidden = co_await looking;
    CHECK(hidden.at("blocked_events")[0].at("content").is_null());
    CHECK(queue_of(hidden, "bells").at("events")[1].at("content").is_null());
    const Queue* const queue = world.scheduler().queue().find("bells");
    while (queue->size() != 0) {
        world.scheduler().ignore(queue->matcher());
        co_await do_events();
    }
}

}  // namespace

TEST_CASE("event contents: the members of a portable event, for those who may watch events") {
    const Ref<Note> note = make_event<Note>(7);
    note->text = "milk";
    note->list = {1, 2};
    const Json expected{{"number", 7}, {"text", "milk"}, {"list", {1, 2}}};
    CHECK(EventContents(Caller::inside()).of(*note) == expected);
    CHECK(EventContents(with("watcher", "server.watch_events")).of(*note) == expected);
    CHECK(EventContents(with("sender", "server.send_event")).of(*note).is_null());
    CHECK(EventContents(Caller::inside()).of(*make_event<Secret>(1)).is_null());
}

TEST_CASE(
    "event contents: long texts and lists are cut, and what is told of all events is bounded") {
    const Ref<Note> note = make_event<Note>(7);
    note->text = std::string(199, 'a') + "\xc3\xa4" + std::string(800, 'b');
    note->list.assign(1000, 5);
    EventContents contents(Caller::inside());
    const Json cut = contents.of(*note);
    CHECK(cut.at("text") == std::string(199, 'a') + "... (1001 bytes)");
    REQUIRE(cut.at("list").size() == 21);
    CHECK(cut.at("list").back() == "... (1000 elements)");
    std::size_t told = 0;
    while (!contents.of(*note).is_null()) {
        REQUIRE(++told < 1000);
    }
    CHECK(told > 100);
}

TEST_CASE("event contents: an inspection has them, of blocked events and of those in queues") {
    SimulatedServer world(bells);
    world.run([](SimulatedServer& simulated) -> Task<> {
        while (simulated.loader().state("manager") != ModuleState::succeeded) {
            co_await do_events();
        }
        Task<> looking = look_at_bells(simulated);
        co_await looking;
    }(world));
}

}  // namespace weir
