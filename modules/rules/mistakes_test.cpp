#include "config/settings/name_in.h"
#include "modules/rules/test_shop.h"
#include "modules/system/call/api_error.h"
#include "modules/system/event/describe_event.h"
#include "modules/system/server/checked_app.h"

namespace weir::rules {

namespace {

// Returns the problems of an app with these rules, without file and path.
Lines mistakes_in(const std::string& rules) {
    config::Problems problems;
    const CheckedApp app(SimulatedServer::read(app_with(rules)), Registry().add<Shop>(), problems);
    Lines lines;
    for (const config::Problem& problem : problems) {
        lines.push_back(problem.path.substr(problem.path.find("rules.rules.") + 12) + ": " +
                        problem.what);
    }
    return lines;
}

// The same for a rule on orders with one step.
Lines mistakes_of_step(const std::string& step) {
    return mistakes_in(R"("r": {"on": "shop.Order", "do": [)" + step + "]}");
}

std::string rehearsed(const std::string& rules, const std::string& event) {
    config::Problems problems;
    const CheckedApp app(SimulatedServer::read(app_with(rules)), Registry().add<Shop>(), problems);
    REQUIRE(problems.text() == "");
    try {
        return app.rehearse("rules", value_of(Json::parse(event)));
    } catch (const ApiException& exception) {
        return to_text(exception.error());
    }
}

// A module whose function and event name an entry of its settings.
struct BoxSettings {
    bool open = false;

    static config::Settings<BoxSettings> describe() {
        return config::settings<BoxSettings>(
            "A box", config::setting("open", &BoxSettings::open, "Whether things fit in"));
    }
};

struct DepotSettings {
    std::map<std::string, int> shelves;
    std::map<std::string, BoxSettings> boxes;

    static config::Settings<DepotSettings> describe() {
        return config::settings<DepotSettings>(
            "A depot", config::setting("shelves", &DepotSettings::shelves, "The shelves"),
            config::setting("boxes", &DepotSettings::boxes, "The boxes"));
    }
};

struct BoxParameters {
    std::string box;
    std::vector<std::string> things;

    static config::Settings<BoxParameters> describe() {
        return config::settings<BoxParameters>(
            "Fills a box",
            config::setting("box", &BoxParameters::box, "Its name")
                .check(config::NameIn{"box", "boxes"}),
            config::setting("things", &BoxParameters::things, "What comes into it")
                .check(config::AllowedBy{"box", "boxes", "open"}));
    }
};

struct ShelfParameters {
    std::string shelf;

    static config::Settings<ShelfParameters> describe() {
        return config::settings<ShelfParameters>(
            "Empties a shelf", config::setting("shelf", &ShelfParameters::shelf, "Its name")
                                   .check(config::NameIn{"shelf", "shelves"})
                                   .required());
    }
};

struct Emptied : Event {
    Index<std::string> shelf;

    static auto declare() {
        return portable_event<Emptied>(
            "depot.Emptied", "A shelf is empty",
            member("shelf", &Emptied::shelf, "Its name").check(config::NameIn{"shelf", "shelves"}));
    }
};

class Depot : public ModuleOf<DepotSettings> {
public:
    using ModuleOf::ModuleOf;

    static auto declare() {
        return declare_module<Depot>("depot", "Keeps things")
            .event<Emptied>()
            .function("empty", &Depot::empty)
            .function("fill", &Depot::fill);
    }

private:
    void empty(const ShelfParameters&) {}
    void fill(const BoxParameters&) {}
};

std::string depot_mistakes(const std::string& startup, const std::string& rule) {
    config::Problems problems;
    const CheckedApp app(
        SimulatedServer::read(R"({"server": {"startup": ["rules")" + startup +
                              R"(]}, "module": {"depot": {"shelves": {"left": 1, "right": 2},
            "boxes": {"red": {"open": true}, "green": {}}},
        "rules": {"rules": {"r": )" +
                              rule + "}}}}"),
        Registry().add<Depot>(), problems);
    std::string text;
    for (const config::Problem& problem : problems) {
        text += problem.path.substr(problem.path.find("rules.rules.") + 12) + ": " + problem.what +
                "\n";
    }
    return text;
}

}  // namespace

TEST_CASE("a name out of the settings of another module is looked up there") {
    CHECK(depot_mistakes(R"(, "depot")",
                         R"({"on": {"event": "depot.Emptied", "where": {"shelf": "rigth"}}, "do": [
        {"call": "depot.empty", "with": {"shelf": "lft"}},
        {"call": "depot.empty", "with": {"shelf": "left"}},
        {"call": "depot.empty", "with": {"shelf": "{{event.shelf}}"}},
        {"send": "depot.Emptied", "with": {"shelf": "top"}}]})") ==
          "r.on.where.shelf: unknown shelf 'rigth' (did you mean 'right'?)\n"
          "r.do[0].with.shelf: unknown shelf 'lft' (did you mean 'left'?)\n"
          "r.do[3].with.shelf: unknown shelf 'top'\n");
}

TEST_CASE("a parameter that the settings of what another one names do not allow is a mistake") {
    CHECK(depot_mistakes(R"(, "depot")", R"({"on": "depot.Emptied", "do": [
        {"call": "depot.fill", "with": {"box": "red", "things": ["tea"]}},
        {"call": "depot.fill", "with": {"box": "green", "things": ["tea"]}},
        {"call": "depot.fill", "with": {"box": "green", "things": []}},
        {"call": "depot.fill", "with": {"box": "blue", "things": ["tea"]}},
        {"call": "depot.fill", "with": {"box": "{{event.shelf}}", "things": ["tea"]}}]})") ==
          "r.do[1].with.things: the box 'green' takes none: module.depot.boxes.green.open is not "
          "true\n"
          "r.do[3].with.box: unknown box 'blue'\n");
}

TEST_CASE("an event of a module that has settings and is not started is told as that") {
    CHECK(
        depot_mistakes("", R"({"on": "depot.Emptied", "do": [{"log": "x"}]})") ==
        "r.on: there is no event type 'depot.Emptied', because the module 'depot' is not started: "
        "add it to server.startup\n");
}

TEST_CASE("a mistake in a rule is told with its place and the nearest name") {
    config::Problems problems;
    const CheckedApp app(SimulatedServer::read(R"({
    "server": {"startup": ["rules", "shop"]},
    "module": {"rules": {"rules": {
        "a": {
            "on": "rules.Faild",
            "do": [{"call": "shop.reserv"}]
        }
    }}}
})"),
                         Registry().add<Shop>(), problems);
    CHECK(problems.text() ==
          "app.json:5:19: module.rules.rules.a.on: unknown event type 'rules.Faild' (did you mean "
          "'rules.Failed'?)\n"
          "app.json:6:29: module.rules.rules.a.do[0].call: the module 'shop' has no function "
          "'reserv' (did you mean 'reserve'?)\n");
}

TEST_CASE("calls and events are checked by the descriptions of what they name") {
    CHECK(mistakes_of_step(R"({"call": "shop.reserve",
        "with": {"customer": "{{event.pieces}}", "peices": 7}})") ==
          Lines{"r.do[0].with.customer: expected a string, but {{event.pieces}} is an integer",
                "r.do[0].with.peices: unknown parameter 'peices' (did you mean 'pieces'?)"});
    CHECK(mistakes_of_step(R"({"call": "shop.reserve", "with": {"pieces": 5000}})") ==
          Lines{"r.do[0].call: needs the parameter 'customer'",
                "r.do[0].with.pieces: 5000 is out of range: 1 to 1000"});
    CHECK(mistakes_of_step(R"({"call": "ship.reserve"})") ==
          Lines{"r.do[0].call: no module 'ship' is started: server.startup does not list it (did "
                "you mean 'shop'?)"});
    CHECK(mistakes_of_step(R"({"call": "reserve"})") ==
          Lines{R"(r.do[0].call: expected "module.function")"});
    CHECK(mistakes_of_step(R"({"send": "shop.Payd"})") ==
          Lines{"r.do[0].send: unknown event type 'shop.Payd' (did you mean 'shop.Paid'?)"});
    CHECK(mistakes_of_step(R"({"send": "shop.Paid",
        "with": {"customer": "{{event.note}}", "euros": "{{event.note}}"}})") ==
          Lines{"r.do[0].with.euros: expected a number, but {{event.note}} is a string"});
    CHECK(mistakes_of_step(R"({"send": "shop.Paid"})") ==
          Lines{"r.do[0].send: needs the member 'customer'"});
    CHECK(mistakes_of_step(R"({"wait": {"event": "shop.Paid", "where": {"customr": 1}}})") ==
          Lines{"r.do[0].wait.where.customr: unknown member 'customr' (did you mean "
                "'customer'?)"});
}

TEST_CASE("references are checked by what earlier steps return") {
    CHECK(mistakes_of_step(R"({"log": "{{event.custmer}} {{evnt.note}} {{event.note.x}}"})") ==
          Lines{"r.do[0].log: unknown value 'evnt' (did you mean 'event'?)",
                "r.do[0].log: {{event.custmer}}: unknown member 'custmer' (did you mean "
                "'customer'?)",
                "r.do[0].log: {{event.note.x}}: there is no 'x' in a string"});
    CHECK(mistakes_of_step(R"({"call": "shop.reserve", "with": {"customer": "a"}, "as": "stock"},
        {"log": "{{stock.lft}}"})") ==
          Lines{"r.do[1].log: {{stock.lft}}: unknown member 'lft' (did you mean 'left'?)"});
    CHECK(mistakes_of_step(R"({"log": "{{stock.left}}"},
        {"call": "shop.reserve", "with": {"customer": "a"}, "as": "stock"})") ==
          Lines{"r.do[0].log: unknown value 'stock'"});
    CHECK(mistakes_of_step(R"({"log": "{{event.note"}, {"log": "{{}}"})") ==
          Lines{"r.do[0].log: '{{' has no '}}'; write \\{{ if it is meant literally",
                "r.do[1].log: there is nothing between '{{' and '}}'"});
    CHECK(mistakes_in(R"("r": {"on": "start", "do": [{"log": "{{event.note}}"}]})") ==
          Lines{"r.do[0].log: unknown value 'event'"});
    CHECK(mistakes_of_step(R"({"if": {"member": "pieces", "is": 1},
        "then": [{"set": 1, "as": "x"}]}, {"log": "{{x}}"})") ==
          Lines{"r.do[1].log: unknown value 'x'"});
    CHECK(mistakes_of_step(R"({"set": 1, "as": "event"}, {"set": 1}, {"set": 1, "as": "a.b"})") ==
          Lines{"r.do[0].as: another value has this name",
                "r.do[1]: needs `as`: the name of the "
                "value",
                "r.do[2].as: a name has no dot"});
}

TEST_CASE("a step does one thing, and what is never reached is a mistake") {
    CHECK(mistakes_of_step("{}") ==
          Lines{"r.do[0]: does nothing; give one of call, send, wait, if, each, lock, sleep, log, "
                "set, script or fail"});
    CHECK(mistakes_of_step(R"({"log": "a", "sleep": "1s"})") ==
          Lines{"r.do[0].log: a step does one thing, and this has 'sleep' already"});
    CHECK(mistakes_of_step(R"({"log": "a", "with": {"x": 1}, "then": [{"log": "b"}]})") ==
          Lines{"r.do[0].with: belongs to call and send only", "r.do[0].then: belongs to if only"});
    CHECK(mistakes_of_step(R"({"fail": "a"}, {"log": "b"})") ==
          Lines{"r.do[1]: is never reached: the step before it fails"});
    CHECK(mistakes_of_step(R"({"each": "{{event.pieces}}", "do": [{"log": "{{item}}"}]})") ==
          Lines{"r.do[0].each: expected a list, but this is an integer"});
}

TEST_CASE("conditions are checked by the values at which they look") {
    const auto of_condition = [](const std::string& condition) {
        return mistakes_in(R"("r": {"on": "shop.Order", "do": [{"log": "x"}], "if": )" + condition +
                           "}");
    };
    CHECK(of_condition(R"({"member": "pieces", "above": "many"})") ==
          Lines{"r.if.above: {{event.pieces}} is an integer, and this is a string: they cannot be "
                "compared"});
    CHECK(of_condition(R"({"member": "pices", "above": 1})") ==
          Lines{"r.if.member: {{event.pices}}: unknown member 'pices' (did you mean 'pieces'?)"});
    CHECK(of_condition(R"({"member": "note", "matches": "(a"})") ==
          Lines{"r.if.matches: is no regular expression: missing ): (a"});
    CHECK(of_condition(R"({"member": "note"})") ==
          Lines{"r.if: says nothing about its value; give one of is, is_not, above, below, "
                "at_least, at_most, one_of, matches, exists"});
    CHECK(of_condition(R"({"is": 1})") ==
          Lines{"r.if: looks at no value; give a member, or a value"});
    CHECK(of_condition("{}") == Lines{"r.if: is empty"});
}

TEST_CASE("a rehearsal says which rules fire, why others do not, and what they would do") {
    const std::string rules = R"(
        "large": {"on": "shop.Order", "if": {"member": "pieces", "above": 10},
                  "do": [{"log": "x"}]},
        "anns": {"on": {"event": "shop.Order", "where": {"customer": "ann"}}, "do": [{"log": "x"}]},
        "paid": {"on": "shop.Paid", "do": [{"log": "x"}]},
        "reserve": {"on": "shop.Order", "once": {"time": "1m", "by": "{{event.customer}}"}, "do": [
            {"lock": "{{event.customer}}", "do": [
                {"call": "shop.reserve", "with": {"customer": "{{event.customer}}",
                 "pieces": "{{event.pieces}}"}, "as": "stock", "retry": {"times": 2}}]},
            {"each": "{{event.items}}", "do": [{"log": "item {{item}}"}]},
            {"wait": {"event": "shop.Paid", "where": {"customer": "{{event.customer}}"}},
             "timeout": "5m", "as": "paid"},
            {"if": {"value": "{{paid.euros}}", "below": 5},
             "then": [{"fail": "too little"}],
             "else": [{"call": "shop.note", "with": {"text": "{{paid.euros}} euros"}}]},
            {"send": "shop.Paid", "with": {"customer": "x", "euros": 1}}]})";
    CHECK(rehearsed(rules,
                    R"({"type": "shop.Order", "event": {"customer": "bob", "items": [1, "b"]}})") ==
          "anns does not fire: event.customer is \"bob\", not \"ann\"\n"
          "large does not fire: event.pieces is 1, not above 10\n"
          "reserve fires, once 1m by bob:\n"
          "  lock bob:\n"
          "    call shop.reserve {\"customer\":\"bob\",\"pieces\":1}, tried again 2 times\n"
          "  log info: item 1\n"
          "  log info: item b\n"
          "  wait for shop.Paid {\"customer\":\"bob\"}, at most 5m\n"
          "  if paid.euros is below 5:\n"
          "    fail: too little\n"
          "  else:\n"
          "    call shop.note {\"text\":\"{{paid.euros}} euros\"}\n"
          "  send shop.Paid {\"customer\":\"x\",\"euros\":1}\n");
    CHECK(rehearsed(rules, R"({"type": "shop.Ordr"})") ==
          "unknown_event: unknown event type 'shop.Ordr' (did you mean 'shop.Order'?)");
    CHECK(rehearsed(rules, R"({"type": "shop.Order", "event": {"pieces": "x"}})")
              .starts_with("bad_event: "));
    CHECK(rehearsed(rules, R"({"type": "rules.Failed", "event": {"rule": "x"}})") ==
          "no rule is about rules.Failed\n");
}

TEST_CASE("a misspelled part of an error is a mistake") {
    CHECK(mistakes_of_step(R"({"call": "shop.nothing", "on_error": [
              {"log": "{{error.code}}, {{error.message}} at {{error.step}}"},
              {"log": "{{error.mesage}}"}]})") ==
          Lines{"r.do[0].call: the module 'shop' has no function 'nothing'",
                "r.do[0].on_error[1].log: {{error.mesage}}: unknown member 'mesage' (did you mean "
                "'message'?)"});
}

}  // namespace weir::rules
