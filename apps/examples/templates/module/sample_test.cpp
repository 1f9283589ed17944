#include <catch2/catch.hpp>
#include <weir/json.h>
#include <weir/testing.h>

static weir::Task<> ask(std::string function, weir::Json parameters, std::string expected) {
    const weir::ApiResult<weir::Json> result =
        co_await weir::call("sample", std::move(function), std::move(parameters));
    CHECK((result ? result.value().dump() : to_text(result.error())) == expected);
}

static weir::Task<> greet_two() {
    const weir::Json ann{{"person", "Ann"}};
    co_await ask("greet", ann, R"("Good morning, Ann!")");
    const weir::Json bob{{"person", "Bob"}};
    co_await ask("greet", bob, R"("Good morning, Bob!")");
    co_await ask("count", {}, "2");
}

TEST_CASE("sample greets people and counts them") {
    weir::SimulatedServer world(R"({
        "server": {"startup": ["sample"]},
        "module": {"sample": {"greeting": "Good morning"}}
    })");
    world.run(greet_two());
    CHECK(world.log() == "");
}

TEST_CASE("sample requires the name to greet") {
    weir::SimulatedServer world(R"({"server": {"startup": ["sample"]}})");
    world.run(ask("greet", {}, "bad_parameter: person: is missing and has no default"));
    CHECK(world.log() == "");
}

TEST_CASE("sample greets people even when what seldom happens does") {
    const weir::Campaign campaign{.configuration = R"({
        "server": {"startup": ["sample"]},
        "module": {"sample": {"greeting": "Good morning"}}
    })"};
    weir::for_each_seed(10, campaign, [](weir::SimulatedServer& world) {
        world.run(greet_two());
        CHECK(world.log() == "");
    });
}
