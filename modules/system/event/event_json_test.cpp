#include "modules/system/event/event_json.h"

#include <optional>

#include "core/event/event_key.h"
#include "core/event/matcher.h"
#include "modules/system/call/api_error.h"
#include "modules/system/event/describe_event.h"

namespace weir {
namespace {

enum class Crust { soft, hard };

config::EnumNames<Crust> names_of(Crust) {
    return {{"soft", Crust::soft}, {"hard", Crust::hard}};
}

struct Baked : Event {
    Index<std::string> bread;
    Index<Crust> crust;
    int loaves = 1;
    std::optional<double> kilograms;
    std::vector<std::string> spices;
    std::string recipe;

    static auto declare() {
        return portable_event<Baked>(
            "test.Baked", "Loaves have come out of the oven",
            member("bread", &Baked::bread, "Which kind").not_empty().required(),
            member("crust", &Baked::crust, "How it feels"),
            member("loaves", &Baked::loaves, "How many").range(1, 100),
            member("kilograms", &Baked::kilograms, "What all weigh"),
            member("spices", &Baked::spices, "What is in it"),
            member("recipe", &Baked::recipe, "How it is made").secret());
    }
};

struct Burnt : Baked {
    Index<int> oven;

    static auto declare() {
        return described_event<Burnt, Baked>("test.Burnt", "Loaves have burnt",
                                             member("oven", &Burnt::oven, "Which oven"));
    }
};

struct Plain : Event {
    Index<int> number;
    static auto declare() {
        return declare_event<Plain>("test.Plain").index("number", &Plain::number);
    }
};

struct OnPlain : Plain {
    static auto declare() { return described_event<OnPlain, Plain>("test.OnPlain", "No"); }
};

std::string error_of(const EventType& type, std::string_view json) {
    try {
        event_from_json(type, json);
    } catch (const ApiException& error) {
        return to_text(error.error());
    }
    return "none";
}

TEST_CASE("An event is written as a JSON object of its members, indices first as declared") {
    Ref<Baked> event = make_event<Baked>("rye", Crust::hard, 20);
    event->spices = {"caraway"};
    CHECK(event_json(*event) == R"({"bread":"rye","crust":"hard","loaves":20,"kilograms":null,)"
                                R"json("spices":["caraway"],"recipe":"(secret)"})json");
}

TEST_CASE("An event is made from JSON, with the defaults of members that it does not give") {
    const Ref<Baked> event = event_from_json<Baked>(R"({"bread": "rye", "crust": "hard"})");
    CHECK(event->bread == "rye");
    CHECK(event->crust == Crust::hard);
    CHECK(event->loaves == 1);
    CHECK_FALSE(event->kilograms);
    CHECK(&event->type() == &event_type<Baked>());
    CHECK(match<Baked>("rye", Crust::hard).make().matches_path(*event));
}

TEST_CASE("An event is the same, read from JSON by the short way of scalars or by the long one") {
    // A list keeps an event from the short way; a comment, a null and an escape do not.
    const std::string scalars =
        R"("bread": "ry\u0065", "crust": "hard", "loaves": 7, "kilograms": 2, "recipe": "r")";
    const Ref<Baked> shortly = event_from_json<Baked>("{" + scalars + "} // so it is");
    const Ref<Baked> at_length = event_from_json<Baked>("{" + scalars + R"(, "spices": []})");
    CHECK(event_json(*shortly) == event_json(*at_length));
    CHECK(shortly->bread == "rye");
    CHECK(shortly->crust == Crust::hard);
    CHECK(shortly->kilograms == 2.0);
    CHECK(shortly->recipe == "r");
    CHECK_FALSE(event_from_json<Baked>(R"({"bread": "rye", "kilograms": null})")->kilograms);
}

TEST_CASE("What the short way of scalars does not take is refused with its position") {
    const EventType& type = event_type<Baked>();
    CHECK(error_of(type, R"({"bread": "rye", "bread": "rye"})") ==
          "bad_event: event:1:18: bread: the name is there twice, first at line 1, column 2");
    CHECK(error_of(type, R"({"bread": "rye", "crust": "burnt"})")
              .starts_with("bad_event: event:1:27: crust: "));
    CHECK(error_of(type, R"({"bread": "rye", "recipe": {}})")
              .starts_with("bad_event: event:1:28: recipe: expected a string"));
    CHECK(error_of(type, std::string(R"({"bread": "rye"})") + '\0' + "more")
              .starts_with("bad_event: event:1:17: "));
    CHECK(error_of(type, R"({"bread": "rye"} 7)").starts_with("bad_event: event:1:18: "));
    CHECK(error_of(type, "{\"bread\": \"\xFF\"}").starts_with("bad_event: event:1:12: not UTF-8"));
}

TEST_CASE("JSON that makes no event is refused with every mistake and its position") {
    const EventType& type = event_type<Baked>();
    CHECK(error_of(type, R"({"bread": "rye", "loafs": 1, "loaves": 0})") ==
          "bad_event: event:1:18: unknown member 'loafs' (did you mean 'loaves'?); "
          "event:1:40: loaves: 0 is out of range: 1 to 100");
    CHECK(error_of(type, "{}") == "bad_event: event:1:1: bread: is missing and has no default");
    CHECK(error_of(type, R"({"bread": ""})") == "bad_event: event:1:11: bread: must not be empty");
    CHECK(error_of(type, R"({"bread": 7})") ==
          "bad_event: event:1:11: bread: expected a string, found 7");
    CHECK(error_of(type, R"({"bread": "rye", "recipe": 7})") ==
          "bad_event: event:1:28: recipe: expected a string, found a number");
    CHECK(error_of(type, "[1]") == "bad_event: event:1:1: expected an object, found a list");
    CHECK(error_of(type, R"({"bread": )").starts_with("bad_event: event:1:11: "));
    CHECK(error_of(type, "").starts_with("bad_event: event"));
}

TEST_CASE("A described type has the indices of its members for matchers, and keys for queues") {
    const EventType& type = event_type<Baked>();
    CHECK(type.index_names() == std::vector<std::string_view>{"bread", "crust"});
    CHECK(make_event<Baked>("rye", Crust::hard)->describe() ==
          R"(test.Baked(bread="rye", crust=hard))");
    CHECK(make_event<Baked>("rye", static_cast<Crust>(7))->describe() ==
          R"(test.Baked(bread="rye", crust=7))");
    const Ref<Baked> event = make_event<Baked>("rye", Crust::hard, 20, 1.5);
    CHECK(EventKey::named("loaves")(*event) == IndexValue(20));
    CHECK(EventKey::named("bread")(*event) == IndexValue("rye"));
    CHECK(EventKey::named("spices")(*event).is_any());
}

TEST_CASE("A type that extends a described one has the base's members first") {
    const Ref<Burnt> event = event_from_json<Burnt>(R"({"bread": "rye", "oven": 3})");
    CHECK(event->oven == 3);
    CHECK(event->bread == "rye");
    CHECK(event_json(*event) == R"({"bread":"rye","crust":"soft","loaves":1,"kilograms":null,)"
                                R"json("spices":[],"recipe":"(secret)","oven":3})json");
    CHECK(EventKey::named("loaves")(*event) == IndexValue(1));
    CHECK(match<Burnt>(any, any, 3).make().matches_path(*event));
}

TEST_CASE("A type says whether its events may leave the process, and why not") {
    CHECK(why_not_portable(event_type<Baked>()) == "");
    CHECK(why_not_portable(event_type<Burnt>()) ==
          "it is not portable: it is declared for this process only");
    CHECK(why_not_portable(event_type<Plain>()) ==
          "it is not portable: its declaration does not describe its members");
    CHECK(event_json(*make_event<Plain>(1)) == "null");
    CHECK(error_of(event_type<Plain>(), "{}") ==
          "bad_event: events of type 'test.Plain' cannot be made from data: the declaration does "
          "not describe their members");
}

TEST_CASE("A described type whose base has indices without a description is refused") {
    CHECK_THROWS_AS(event_type<OnPlain>(), std::logic_error);
}

TEST_CASE("A description makes an event with all defaults, which documentation shows") {
    const EventDescription& description = *event_type<Baked>().description();
    CHECK(description.sentence() == "Loaves have come out of the oven");
    const std::shared_ptr<void> defaults = description.members().make();
    CHECK(config::to_json(description.members().to_json(defaults.get()))
              .starts_with(R"({"bread":"","crust":"soft","loaves":1)"));
}

}  // namespace
}  // namespace weir
