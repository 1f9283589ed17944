#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "core/run/container.h"
#include "core/wait/timeout.h"
#include "modules/limit/limit_host.h"
#include "modules/system/call/call.h"
#include "modules/system/call/json.h"
#include "modules/system/module/module.h"
#include "modules/system/server/loader.h"
#include "modules/testing/simulated_server.h"

namespace weir {

using namespace std::chrono_literals;

namespace {

std::string app(const std::string& limits) {
    return R"({"server": {"startup": ["limit"]}, "module": {"limit": {"limits": )" + limits + "}}}";
}

constexpr const char* jobs = R"({"jobs": {"at_once": 1, "wait": "5s", "hold": "10s"},
    "calls": {"rate": 2, "burst": 1, "exceptions": [{"keys": "vip*", "rate": 100}]}})";

// A function of the module, as text: its result, or its error.
Task<std::string> ask(std::string function, std::string parameters) {
    Json given = Json::parse(parameters);
    const ApiResult<Json> result = co_await call("limit", function, std::move(given));
    co_return result ? result.value().dump() : to_text(result.error());
}

// Returns the ticket; the error if there is none.
Task<std::string> take(std::string limit, std::string key) {
    Json given = {{"limit", limit}, {"key", key}};
    const ApiResult<Json> result = co_await call("limit", "take", std::move(given));
    co_return result ? result.value().at("ticket").get<std::string>() : to_text(result.error());
}

Task<std::string> give_back(std::string ticket) {
    return ask("give_back", Json{{"ticket", ticket}}.dump());
}

}  // namespace

TEST_CASE("a ticket is taken and given back by calls") {
    SimulatedServer world(app(jobs));
    const auto test = [&]() -> Task<> {
        std::string answer;
        const std::string first = co_await take("jobs", "a");
        CHECK(first.size() == 16);
        answer = co_await take("jobs", "a");
        CHECK(answer == "limit_reached: the limit 'jobs' lets 'a' do no more now, not within 5s");
        answer = co_await ask("keys", R"({"limit": "jobs"})");
        CHECK(answer == R"([{"in_use":1,"key":"a","tokens":null,"waiting":0}])");
        answer = co_await give_back(first);
        CHECK(answer == "true");
        answer = co_await give_back(first);
        CHECK(answer == "false");
        const std::string second = co_await take("jobs", "a");
        answer = co_await give_back(second);
        CHECK(answer == "true");
    };
    world.run(test());
    CHECK(world.log() == "");
}

TEST_CASE("a ticket that nobody gives back is given back after its time") {
    SimulatedServer world(app(jobs));
    const auto test = [&]() -> Task<> {
        std::string answer;
        const std::string lost = co_await take("jobs", "a");
        co_await sleep(8s);
        const std::string next = co_await take("jobs", "a");
        CHECK(next.size() == 16);
        answer = co_await give_back(lost);
        CHECK(answer == "false");
        answer = co_await give_back(next);
        CHECK(answer == "true");
    };
    world.run(test());
    CHECK_THAT(world.log(),
               Catch::Contains("tickets that were not given back within the time of `hold`: 1"));
}

TEST_CASE("a limit that has only a rate needs no tickets back") {
    SimulatedServer world(app(jobs));
    const auto test = [&]() -> Task<> {
        std::string answer;
        answer = co_await take("calls", "a");
        CHECK(answer == "");
        answer = co_await take("calls", "a");
        CHECK(answer ==
              "limit_reached: the limit 'calls' lets 'a' do no more now; its next comes in 500ms");
        for (int i = 0; i != 50; ++i) {
            answer = co_await take("calls", "vip 1");
            CHECK(answer == "");
        }
        answer = co_await ask("take", R"({"limit": "calls", "tokens": 2})");
        CHECK(answer ==
              "bad_parameter: tokens: the limit 'calls' gives at most 1 tokens at a time");
        answer = co_await take("cals", "");
        CHECK(answer == "unknown_limit: unknown limit 'cals' (did you mean 'calls'?)");
    };
    world.run(test());
    CHECK(world.log() == "");
}

TEST_CASE("new settings and a new version keep tickets and waiters") {
    SimulatedServer world(app(jobs));
    const auto test = [&]() -> Task<> {
        std::string answer;
        const std::string ticket = co_await take("jobs", "a");
        std::string other = "waits";
        const auto wait = [&]() -> Task<> { other = co_await take("jobs", "a"); };
        Container container(world.scheduler());
        container.start(wait());
        co_await sleep(1s);
        const std::vector<std::string> names = {"limit"};
        co_await world.loader().reload(names);
        CHECK(other == "waits");
        answer = co_await ask("keys", R"({"limit": "jobs"})");
        CHECK(answer == R"([{"in_use":1,"key":"a","tokens":null,"waiting":1}])");
        answer = co_await give_back(ticket);
        CHECK(answer == "true");
        co_await sleep(1s);
        CHECK(other.size() == 16);
        answer = co_await give_back(other);
        CHECK(answer == "true");
    };
    world.run(test());
    CHECK(world.log() == "");
}

TEST_CASE("a limit that limits nothing is a mistake") {
    CHECK_THROWS_WITH(SimulatedServer(app(R"({"x": {"waiting": 1}})")),
                      Catch::Contains("'x' limits nothing"));
}

}  // namespace weir
