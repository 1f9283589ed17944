// The examples of docs/configuration.md for people who describe settings, compiled and run.

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "config/settings/catalogue.h"
#include "config/settings/changes.h"
#include "config/settings/settings.h"
#include "config/text/nearest_name.h"
#include "tests/support/approved_text.h"

namespace {

using weir::config::setting;
using weir::config::settings;

enum class Tone { polite, curt };

weir::config::EnumNames<Tone> names_of(Tone) {
    return {{"polite", Tone::polite}, {"curt", Tone::curt}};
}

struct GuestSettings {
    std::string greeting = "Hello";
    std::optional<int> visits;

    static weir::config::Settings<GuestSettings> describe() {
        return settings<GuestSettings>(
            "What differs for one guest",
            setting("greeting", &GuestSettings::greeting, "What is said").not_empty(),
            setting("visits", &GuestSettings::visits, "Greet so often; null: always").at_least(1));
    }
};

struct GreeterSettings {
    std::string socket = "greeter.sock";
    Tone tone = Tone::polite;
    std::chrono::milliseconds pause{100};
    std::map<std::string, GuestSettings> guests;

    static weir::config::Settings<GreeterSettings> describe() {
        using namespace std::chrono;
        return settings<GreeterSettings>(
            "Greets every guest",
            setting("socket", &GreeterSettings::socket, "Where guests come in").fixed(),
            setting("tone", &GreeterSettings::tone, "How everyone is greeted"),
            setting("pause", &GreeterSettings::pause, "Wait before each greeting")
                .range(milliseconds(1), seconds(10)),
            setting("guests", &GreeterSettings::guests, "Guests that are greeted otherwise"));
    }
};

}  // namespace

TEST_CASE("an example module reads and checks its settings", "[settings_example]") {
    using namespace weir::config;
    Sources sources;
    sources.files = {{"app.json", R"({"module": {"greeter": {"tone": "curt", "pause": "1s"}}})"}};
    sources.sets = {"module.greeter.guests.ann.greeting=Hi"};
    sources.environment = process_environment();

    Problems problems;
    const Configuration configuration = Configuration::load(sources, problems);

    Catalogue catalogue;
    catalogue.add<GreeterSettings>("module.greeter");
    catalogue.check(configuration, problems);
    REQUIRE(problems.text() == "");

    const auto greeter = configuration.read<GreeterSettings>("module.greeter", problems);
    CHECK(greeter.tone == Tone::curt);
    CHECK(greeter.pause == std::chrono::seconds(1));
    CHECK(greeter.guests.at("ann").greeting == "Hi");
}

TEST_CASE("an example program reports mistakes that only it can find", "[settings_example]") {
    using namespace weir::config;
    Sources sources;
    sources.files = {{"app.json", "{\n    \"server.startup\": [\"greeter\", \"greter\"]\n}"}};
    Problems problems;
    const Configuration configuration = Configuration::load(sources, problems);

    const std::vector<std::string> modules = {"greeter", "lock"};
    configuration.report("server.startup[1]", unknown_name("module", "greter", modules), problems);
    CHECK(problems.text() ==
          "app.json:2:35: server.startup[1]: unknown module 'greter' (did you mean 'greeter'?)\n");
}

TEST_CASE("an example program lists what changed while it runs", "[settings_example]") {
    GreeterSettings before, after;
    after.socket = "other.sock";
    after.pause = std::chrono::seconds(2);

    std::string text;
    for (const weir::config::Change& change : weir::config::changes(before, after)) {
        text += to_text(change) + (change.fixed ? " only after a restart\n" : "\n");
    }
    CHECK(text ==
          "socket: \"greeter.sock\" -> \"other.sock\" only after a restart\n"
          "pause: \"100ms\" -> \"2s\"\n");
}

TEST_CASE("example settings describe themselves", "[settings_example]") {
    weir::config::Catalogue catalogue;
    catalogue.add<GreeterSettings>("module.greeter");
    weir::config::testing::check_approved("example_describe", catalogue.describe("module.greeter"));
}
