#include "config/settings/effective.h"

#include <string>

#include <catch2/catch.hpp>

#include "config/document/problems.h"
#include "config/settings/settings.h"

namespace weir::config {

namespace {

struct Guest {
    std::string greeting = "Hello";
    std::optional<std::string> word;

    static Settings<Guest> describe() {
        return settings<Guest>("A guest", setting("greeting", &Guest::greeting, "What is said"),
                               setting("word", &Guest::word, "To be let in").secret());
    }
};

struct Limits {
    int total = 3;
    int each = 1;

    static Settings<Limits> describe() {
        return settings<Limits>("Limits", setting("total", &Limits::total, "Of all").alias("all"),
                                setting("each", &Limits::each, "Of each"));
    }
};

struct House {
    std::string name = "inn";
    std::string password;
    std::vector<std::string> doors = {"front"};
    std::map<std::string, int> rooms;
    std::map<std::string, Guest> guests;
    Limits limits;

    static Settings<House> describe() {
        return settings<House>("A house", setting("name", &House::name, "Its name"),
                               setting("password", &House::password, "Its password").secret(),
                               setting("doors", &House::doors, "Its doors"),
                               setting("rooms", &House::rooms, "Beds by rooms"),
                               setting("guests", &House::guests, "Its guests"),
                               setting("limits", &House::limits, "What fits in"));
    }
};

std::string effective(Sources sources) {
    Problems problems;
    const Configuration configuration = Configuration::load(sources, problems);
    std::string text;
    for (const EffectiveSetting& setting :
         effective_settings(configuration, "module.house", description_of<House>())) {
        text += setting.path + " = " + to_json(setting.value) + " (" + to_text(setting.position);
        for (const std::string& variable : setting.variables) text += " " + variable;
        text += ")\n";
    }
    CHECK(problems.text() == "");
    return text;
}

}  // namespace

TEST_CASE("effective settings without any source are the defaults", "[effective]") {
    CHECK(effective({}) ==
          "module.house.name = \"inn\" ()\n"
          "module.house.password = \"(secret)\" ()\n"
          "module.house.doors = [\"front\"] ()\n"
          "module.house.rooms = {} ()\n"
          "module.house.guests = {} ()\n"
          "module.house.limits.total = 3 ()\n"
          "module.house.limits.each = 1 ()\n");
}

TEST_CASE("effective settings name the source that wins, and variables but not their values",
          "[effective]") {
    Sources sources;
    sources.files = {{"base.json", R"({"module.house": {"name": "a", "rooms": {"x.y": 1}},
"module.default.limits.each": 2})"},
                     {"app.json", R"({"module": {"house": {
"password": "${PASSWORD:-hunter2}",
"doors": ["${DOOR}", "$${NOT}back"],
"rooms": {"z": 4},
"limits.all": 7,
"guests": {"ann": {"word": "${PASSWORD}"}}}}})"}};
    sources.sets = {"module.house.name=b"};
    sources.environment = {{"PASSWORD", "swordfish"}, {"DOOR", "side"}};
    CHECK(effective(sources) ==
          "module.house.name = \"b\" (--set module.house.name=...)\n"
          "module.house.password = \"(secret)\" (app.json:2:13 PASSWORD)\n"
          "module.house.doors = [\"side\",\"${NOT}back\"] (app.json:3:10 DOOR)\n"
          "module.house.rooms[\"x.y\"] = 1 (base.json:1:49)\n"
          "module.house.rooms.z = 4 (app.json:4:16)\n"
          "module.house.guests.ann.greeting = \"Hello\" ()\n"
          "module.house.guests.ann.word = \"(secret)\" (app.json:6:28 PASSWORD)\n"
          "module.house.limits.total = 7 (app.json:5:15)\n"
          "module.house.limits.each = 2 (base.json:2:31)\n");
}

}  // namespace weir::config
