#include "modules/system/event/json_event_types.h"

#include "core/event/event_key.h"
#include "core/event/matcher.h"
#include "modules/system/call/api_error.h"
#include "modules/system/event/event_description.h"
#include "modules/system/event/event_json.h"
#include "modules/testing/allocations.h"

namespace weir {
namespace {

struct WithEvents {
    JsonEventTypes::Settings events;

    static config::Settings<WithEvents> describe() {
        return config::settings<WithEvents>(
            "", config::setting("events", &WithEvents::events, "Types"));
    }
};

JsonEventTypes::Settings settings_of(std::string_view events, std::string& mistakes) {
    config::Problems problems;
    const std::string text = R"({"server": {"events": )" + std::string(events) + "}}";
    config::Sources sources;
    sources.files.emplace_back("app", text);
    const config::Configuration configuration = config::Configuration::load(sources, problems);
    auto settings = configuration.read<WithEvents>("server", problems).events;
    JsonEventTypes::check(configuration, settings, problems);
    mistakes = problems.text();
    return settings;
}

JsonEventTypes types_of(std::string_view events) {
    std::string mistakes;
    JsonEventTypes types(settings_of(events, mistakes));
    REQUIRE(mistakes == "");
    return types;
}

std::string mistakes_in(std::string_view events) {
    std::string mistakes;
    settings_of(events, mistakes);
    return mistakes;
}

constexpr std::string_view door = R"({"house.Door": {
    "description": "A door was opened or closed",
    "indices": [{"name": "room"}, {"name": "number", "type": "integer", "default": 1}],
    "members": [{"name": "open", "type": "boolean"},
                {"name": "speed", "type": "number", "default": 2},
                {"name": "more", "type": "any", "default": {"a": [1]}}]}})";

TEST_CASE("A type declared in JSON makes events with indices, members and defaults") {
    const JsonEventTypes types = types_of(door);
    const EventType* type = types.find("house.Door");
    REQUIRE(type != nullptr);
    CHECK(type->index_names() == std::vector<std::string_view>{"room", "number"});
    CHECK(type->ignorable());
    CHECK(why_not_portable(*type) == "");
    const Ref<Event> event = event_from_json(*type, R"({"room": "hall", "open": true})");
    CHECK(event_json(*event) ==
          R"({"room":"hall","number":1,"open":true,"speed":2.0,"more":{"a":[1]}})");
    CHECK(event->describe() == R"(house.Door(room="hall", number=1))");
    const IndexValue path[] = {IndexValue("house.Door"), IndexValue("hall"), IndexValue(1)};
    CHECK(Matcher(path).matches_path(*event));
    CHECK(EventKey::named("speed")(*event) == IndexValue(2));
    CHECK(EventKey::named("open")(*event) == IndexValue(true));
    CHECK(EventKey::named("more")(*event).is_any());
    CHECK(types.find("house.Window") == nullptr);
}

TEST_CASE("A member without a default has to be given, and every value is checked") {
    const JsonEventTypes types = types_of(door);
    const auto error_of = [&](std::string_view json) {
        try {
            event_from_json(*types.find("house.Door"), json);
        } catch (const ApiException& error) {
            return to_text(error.error());
        }
        return std::string("none");
    };
    CHECK(error_of(R"({"room": "hall"})") ==
          "bad_event: event:1:1: open: is missing and has no default");
    CHECK(error_of(R"({"room": 1, "number": "x", "open": 1})") ==
          "bad_event: event:1:10: room: expected a string, found 1; event:1:23: number: expected "
          "an integer, found the string \"x\"; event:1:36: open: expected true or false, found 1");
}

TEST_CASE("A type that must not be dropped says so, and a type may have no members") {
    const JsonEventTypes types = types_of(R"({"a": {}, "b": {"ignorable": false}})");
    CHECK(types.all().size() == 2);
    CHECK_FALSE(event_from_json(*types.find("b"), "{}")->ignorable());
    CHECK(event_json(*event_from_json(*types.find("a"), "{}")) == "{}");
}

TEST_CASE("Mistakes in declared types are all reported, and the types are not made") {
    const std::string_view wrong = R"({
"weir.X": {},
"a b": {},
"c": {"indices": [{"name": "x.y"}, {"name": "n", "type": "number"}],
      "members": [{"name": "n", "default": 5}]}})";
    CHECK(mistakes_in(wrong) ==
          "app:2:11: server.events[\"weir.X\"]: names that begin with 'weir.' are those of weir's "
          "own "
          "types\n"
          "app:3:8: server.events[\"a b\"]: the name of a type has letters, digits, '_', '-' and, "
          "within it, '.'\n"
          "app:4:28: server.events.c.indices[0].name: expected letters, digits and '_'\n"
          "app:4:58: server.events.c.indices[1].type: an index is a boolean, an integer or a "
          "string\n"
          "app:5:28: server.events.c.members[0].name: another index or member has this name\n"
          "app:5:44: server.events.c.members[0].default: expected a string, found 5\n");
    std::string mistakes;
    CHECK(JsonEventTypes(settings_of(wrong, mistakes)).all().empty());
}

TEST_CASE("Making an event of a declared type without memory leaves nothing behind") {
    const JsonEventTypes types = types_of(door);
    const EventType& type = *types.find("house.Door");
    fail_each_allocation([&](AllocationFailure& failure) {
        std::string json;
        failure.arm();
        try {
            const Ref<Event> event =
                event_from_json(type,
                                R"({"room": "a room with a name that needs memory", "open": true,
                    "more": ["a text that needs memory too"]})");
            json = event_json(*event);
        } catch (const std::bad_alloc&) {
            json = "no memory";
        }
        failure.disarm();
        CHECK(
            (failure.happened() || json.ends_with(R"("more":["a text that needs memory too"]})")));
    });
}

}  // namespace
}  // namespace weir
