#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>
#include <unistd.h>

#include "core/run/event_handler.h"
#include "core/simulation/wall_clock.h"
#include "core/wait/timeout.h"
#include "modules/system/call/json.h"
#include "modules/system/event/event_exchange.h"
#include "modules/system/event/event_json.h"
#include "modules/system/server/checked_app.h"
#include "modules/testing/simulated_server.h"

namespace weir {

namespace {

using namespace std::chrono_literals;

std::string app_with(const std::string& schedules, const std::string& more = "") {
    return R"({"server": {"startup": ["schedule"]},
               "module": {"schedule": {"schedules": {)" +
           schedules + "}" + more + "}}}";
}

WallTime at(const char* date, Duration time = {}) {
    int year = 0;
    unsigned month = 0;
    unsigned day = 0;
    std::sscanf(date, "%d-%u-%u", &year, &month, &day);
    const std::chrono::sys_days days{std::chrono::year(year) / std::chrono::month(month) /
                                     std::chrono::day(day)};
    return days + std::chrono::duration_cast<std::chrono::microseconds>(time);
}

// Notes the times that come, for so long. By the name of the type: the module is a plugin.
Task<> note_times(SimulatedServer& world, std::vector<std::string>& times, Duration how_long) {
    const std::array<IndexValue, 1> path{IndexValue("schedule.Due")};
    EventHandler handler(world.scheduler());
    handler.handle(Matcher(path),
                   [&times](const Ref<Event>& event) { times.push_back(event_json(*event)); });
    co_await sleep(how_long);
}

std::vector<std::string> times_of(SimulatedServer& world, Duration how_long) {
    std::vector<std::string> times;
    world.run(note_times(world, times, how_long));
    return times;
}

std::string due(const std::string& name, const std::string& time, bool missed = false) {
    return R"({"schedule":")" + name + R"(","due":")" + time + R"(","missed":)" +
           (missed ? "true" : "false") + "}";
}

using Times = std::vector<std::string>;

}  // namespace

TEST_CASE("schedules send an event at each of their times") {
    SimulatedServer world(app_with(R"(
        "quarters": {"every": "15m"},
        "christmas": {"at": "2096-12-24T18:20:00Z"},
        "morning": {"cron": "0 19 * * *", "zone": "Europe/Berlin"})"));
    world.simulation().set_wall_clock(at("2096-12-24", 17h + 40min));
    CHECK(times_of(world, 55min) ==
          Times{due("quarters", "2096-12-24T17:45:00Z"), due("morning", "2096-12-24T18:00:00Z"),
                due("quarters", "2096-12-24T18:00:00Z"), due("quarters", "2096-12-24T18:15:00Z"),
                due("christmas", "2096-12-24T18:20:00Z"), due("quarters", "2096-12-24T18:30:00Z")});
    CHECK(world.log() == "");
}

TEST_CASE("times that are missed come as one, or not at all") {
    SimulatedServer world(app_with(R"(
        "catches_up": {"every": "1h"},
        "skips": {"every": "1h", "missed": "skip"})"));
    world.simulation().set_wall_clock(at("2026-05-01", 30min));
    world.simulation().happen(
        10min, [&world] { world.simulation().set_wall_clock(at("2026-05-01", 5h + 30min)); });
    CHECK(times_of(world, 45min) == Times{due("catches_up", "2026-05-01T01:00:00Z", true),
                                          due("catches_up", "2026-05-01T06:00:00Z"),
                                          due("skips", "2026-05-01T06:00:00Z")});
    CHECK(world.log() == "");
}

TEST_CASE("jitter delays each time by a random part, and loses none") {
    SimulatedServer world(app_with(R"("some": {"every": "1m", "jitter": "30s"})"));
    CHECK(times_of(world, 10min + 59s).size() == 10);
    CHECK(world.log() == "");
}

TEST_CASE("a state file tells which times have passed while the server did not run") {
    const std::string file = "/tmp/weir_schedule_test." + std::to_string(::getpid());
    std::ofstream(file)
        << R"({"nightly": "2026-05-01T03:00:00Z", "skips": "2026-05-01T03:00:00Z"})";
    SimulatedServer world(app_with(R"(
        "nightly": {"cron": "0 3 * * *"},
        "new": {"cron": "0 3 * * *"},
        "skips": {"cron": "0 3 * * *", "missed": "skip"})",
                                   R"(, "state_file": ")" + file + "\""));
    world.simulation().set_wall_clock(at("2026-05-04", 12h));
    CHECK(times_of(world, 1h) == Times{due("nightly", "2026-05-02T03:00:00Z", true)});
    std::string content;
    std::getline(std::ifstream(file), content, '\0');
    CHECK(content.find(R"("nightly": "2026-05-04T12:00:00Z")") != std::string::npos);
    std::remove(file.c_str());
    CHECK(world.log() == "");
}

namespace {

Task<Json> ask(std::string function, Json parameters) {
    const ApiResult<Json> result = co_await call("schedule", function, std::move(parameters));
    co_return result ? result.value() : Json(to_text(result.error()));
}

}  // namespace

TEST_CASE("schedules are listed with their next times, and can be fired") {
    SimulatedServer world(app_with(R"("hourly": {"every": "1h", "description": "Each hour"})"));
    const auto run = [](SimulatedServer& own) -> Task<> {
        co_await sleep(1s);
        const auto watch = own.server().events().watch("schedule.Due");
        Json named{{"schedule", "hourly"}};
        Task<Json> firing = ask("fire", std::move(named));
        const Json fired = co_await firing;
        CHECK(fired == nullptr);
        Json wrong{{"schedule", "x"}};
        Task<Json> failing = ask("fire", std::move(wrong));
        const Json failed = co_await failing;
        CHECK(failed == "unknown_schedule: there is no schedule 'x'");
        co_await sleep(90min);
        CHECK(watch->take().event->json == due("hourly", "1970-01-01T00:00:01Z"));
        Json none = Json::object();
        Task<Json> listing = ask("list", std::move(none));
        const Json listed = co_await listing;
        const Json expected = Json::array({{{"name", "hourly"},
                                            {"description", "Each hour"},
                                            {"next", "1970-01-01T02:00:00Z"},
                                            {"last", "1970-01-01T01:00:00Z"},
                                            {"times", 2}}});
        CHECK(listed == expected);
    };
    world.run(run(world));
    CHECK(world.log() == "");
}

TEST_CASE("schedules change while the module runs") {
    SimulatedServer world(app_with(R"("a": {"every": "1h"}, "b": {"every": "1h"})"));
    const auto run = [](SimulatedServer& own) -> Task<> {
        co_await sleep(1s);
        const auto watch = own.server().events().watch("schedule.Due");
        co_await sleep(30min);
        own.server().reconfigure(
            SimulatedServer::read(app_with(R"("a": {"every": "20m"}, "c": {"every": "30m"})")));
        co_await sleep(20min);
        CHECK(watch->take().event->json == due("a", "1970-01-01T00:40:00Z"));
        CHECK(!watch->ready());
    };
    world.run(run(world));
    CHECK(world.log() == "");
}

TEST_CASE("mistakes in schedules are told with their place") {
    config::Problems problems;
    const CheckedApp app(SimulatedServer::read(app_with(R"(
        "none": {},
        "two": {"every": "1h", "at": "2026-05-04T12:00:00Z"},
        "time": {"at": "2026-05-04 12:00"},
        "cron": {"cron": "99 * * * *"})")),
                         Registry(), problems);
    std::string text;
    for (const config::Problem& problem : problems) {
        text += problem.path + ": " + problem.what + "\n";
    }
    CHECK(text.find("module.schedule.schedules.none: needs one of every, at and cron\n") == 0);
    CHECK(text.find("module.schedule.schedules.two: needs one of every, at and cron\n") !=
          std::string::npos);
    CHECK(text.find("module.schedule.schedules.time: at: \"2026-05-04 12:00\" is no time as "
                    "\"2026-12-24T18:00:00Z\"\n") != std::string::npos);
    CHECK(text.find("module.schedule.schedules.cron: ") != std::string::npos);
}

TEST_CASE("what is seldom meant in a schedule is a warning") {
    config::Problems problems;
    const CheckedApp app(SimulatedServer::read(app_with(R"(
        "past": {"at": "2001-02-03T04:05:06Z"},
        "future": {"at": "2101-02-03T04:05:06Z"},
        "steps": {"cron": "*/90 0-23/24,1-5/5 * * *"},
        "right": {"cron": "*/59 1-5/4 * * *"})")),
                         Registry(), problems);
    CHECK(problems.text() == "");
    std::string text;
    for (const config::Problem& warning : app.warnings()) {
        text += warning.path + ": " + warning.what + "\n";
    }
    const std::string schedules = "module.schedule.schedules.";
    CHECK(text == schedules + "past.at: the time has passed: it does not come any more\n" +
                      schedules +
                      "steps.cron: hour: 0-23/24 has only 0: a step counts from there, and stays "
                      "within 0-23\n" +
                      schedules +
                      "steps.cron: hour: 1-5/5 has only 1: a step counts from there, and stays "
                      "within 1-5\n" +
                      schedules +
                      "steps.cron: minute: */90 has only 0: a step counts from there, and stays "
                      "within 0-59\n");
}

}  // namespace weir
