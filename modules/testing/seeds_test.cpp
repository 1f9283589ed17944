#include "modules/testing/seeds.h"

#include <cstdlib>
#include <set>

#include <catch2/catch.hpp>

#include "core/simulation/failpoint.h"
#include "core/wait/timeout.h"
#include "modules/testing/caught_failures.h"

namespace weir {

namespace {

using namespace std::chrono_literals;

// Sets an environment variable while it lives.
class Environment {
public:
    Environment(const char* name, const std::string& value) : name_(name) {
        setenv(name, value.c_str(), 1);
    }
    Environment(const Environment&) = delete;
    Environment& operator=(const Environment&) = delete;
    ~Environment() { unsetenv(name_); }

private:
    const char* const name_;
};

Task<> throw_dice(Scheduler& scheduler, std::string& thrown) {
    for (int i = 0; i != 20; ++i) {
        co_await sleep(Duration(scheduler.poller().random() % 1000));
        if (failpoint(scheduler, "test.often", 0.5)) {
            thrown += "o";
            co_await sleep(1s);
        }
        if (failpoint(scheduler, "test.seldom", 0.0)) {
            thrown += "s";
        }
    }
}

std::string thrown_with(std::uint64_t seed, std::uint64_t& trace) {
    const Environment only("WEIR_SEED", std::to_string(seed));
    std::string thrown;
    const CampaignReport report = for_each_seed(
        1, {.configuration = "{}"},
        [&thrown](SimulatedServer& world) { world.run(throw_dice(world.scheduler(), thrown)); });
    trace = report.last_trace;
    return thrown;
}

}  // namespace

TEST_CASE("a seed gives the same run alone and in a campaign", "[testing]") {
    std::vector<std::string> thrown;
    std::vector<std::uint64_t> traces;
    for_each_seed(12, {.configuration = "{}"}, [&](SimulatedServer& world) {
        thrown.emplace_back();
        world.run(throw_dice(world.scheduler(), thrown.back()));
        world.finish();
        traces.push_back(world.trace());
    });
    REQUIRE(thrown.size() == 13);  // the first seed runs twice
    CHECK(traces[0] == traces[1]);
    CHECK(std::set(traces.begin() + 1, traces.end()).size() == 12);
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
        std::uint64_t trace = 0;
        CHECK(thrown_with(seed, trace) == thrown[seed]);
        CHECK(trace == traces[seed]);
    }
}

TEST_CASE("a failpoint is active in some runs, and the report lists those that never happened",
          "[testing]") {
    const Environment many("WEIR_SEEDS", "200");
    std::string thrown;
    const CampaignReport report = for_each_seed(
        1, {.configuration = "{}", .points = {"test.not-there"}},
        [&thrown](SimulatedServer& world) { world.run(throw_dice(world.scheduler(), thrown)); });
    CHECK(report.runs == 200);
    const CampaignReport::Point& often = report.points.at("test.often");
    CHECK(often.runs_reached == 200);
    CHECK(often.runs_active > 30);  // 50 are expected
    CHECK(often.runs_active < 75);
    CHECK(often.reached == 4000);
    CHECK(often.happened > often.runs_active * 8);
    CHECK(often.happened < often.runs_active * 12);
    CHECK(report.never_reached() == std::vector<std::string>{"test.not-there"});
    CHECK(report.never_happened() == std::vector<std::string>{"test.seldom"});
    CHECK(report.text().find("  test.not-there: never reached\n") != std::string::npos);
    CHECK(report.text().find("happened never\n") != std::string::npos);
}

TEST_CASE("no failpoint happens in a simulation that does not allow failpoints", "[testing]") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        std::string thrown;
        SimulatedServer world("{}", {}, seed);
        world.run(throw_dice(world.scheduler(), thrown));
        CHECK(thrown.empty());
        CHECK(world.simulation().failpoints().points().empty());
    }
}

TEST_CASE("a test that depends on more than the seed fails", "[testing]") {
    std::string said;
    const CaughtFailures caught(said);
    int runs = 0;
    const auto once_more = [](int times) -> Task<> {
        for (int i = 0; i != times; ++i) {
            co_await sleep(1s);
        }
    };
    for_each_seed(2, {.configuration = "{}"},
                  [&](SimulatedServer& world) { world.run(once_more(++runs)); });
    CHECK(said.starts_with("two runs with the seed 1 differ"));
}

TEST_CASE("the command that replays a seed names this program and this test", "[testing]") {
    const std::string command = command_for_seed(7);
    CHECK(command.starts_with("WEIR_SEED=7 /"));
    CHECK(
        command.ends_with("/testing_tests 'the command that replays a seed names this program and "
                          "this test'"));
}

TEST_CASE("a wrong number of seeds is rejected", "[testing]") {
    const Environment wrong("WEIR_SEEDS", "many");
    CHECK_THROWS_WITH(for_each_seed(1, {.configuration = "{}"}, [](SimulatedServer&) {}),
                      "WEIR_SEEDS is 'many': expected a number from 1 on");
}

}  // namespace weir
