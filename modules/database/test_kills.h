#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "core/wait/execute_all.h"
#include "core/wait/timeout.h"
#include "modules/database/test_file.h"
#include "modules/system/call/json.h"
#include "modules/testing/kills.h"
#include "modules/testing/simulated_server.h"
#include "tests/support/campaign.h"

// For tests of modules that keep something in a file: they are killed at each write.
namespace weir::database {

// A call, and what it changes: which things are how afterwards, or gone.
struct Step {
    std::string function;  // of the module; "sleep": 11 seconds pass; "reload": of the module
    std::string parameters;
    std::vector<std::pair<std::string, std::optional<std::string>>> changes;
};

// What a module has, by names that a test gives to its things.
using Content = std::map<std::string, std::string>;

inline std::string text_of(const Content& content) {
    std::string text;
    for (const auto& [name, thing] : content) {
        text += " " + name + "=" + thing.substr(0, 60);
    }
    return text;
}

// A module with a file, and what is called in it: one group of steps after the other, and the
// steps of a group at the same time.
struct KillTest {
    std::string module;
    const ModuleClass& type;
    std::string settings;  // beside `file`
    Content at_first;
    std::vector<std::vector<Step>> groups;
    // Finds what a server has.
    std::function<Task<>(Content& found)> read;

    const TestFile file{"kill_test"};

    std::string app() const {
        return R"({"server": {"startup": [")" + module + R"("]}, "module": {")" + module +
               R"(": {)" + file.setting() + settings + "}}}";
    }

    // Returns what the module has after each number of steps.
    std::vector<Content> contents() const {
        std::vector<Content> all{at_first};
        for (const auto& group : groups) {
            for (const Step& step : group) {
                Content next = all.back();
                for (const auto& [name, thing] : step.changes) {
                    next.erase(name);
                    if (thing) {
                        next[name] = *thing;
                    }
                }
                all.push_back(std::move(next));
            }
        }
        return all;
    }
};

inline Task<> take_step(SimulatedServer& world, const KillTest& test, const Step& step,
                        const Report& report) {
    report("begun");
    if (step.function == "sleep") {
        co_await sleep(std::chrono::seconds(11));
    } else if (step.function == "reload") {
        std::vector<std::string> names{test.module};
        Task<> reloading = world.loader().reload(std::move(names));
        co_await reloading;
    } else {
        Json given = Json::parse(step.parameters);
        const ApiResult<Json> result = co_await call(test.module, step.function, std::move(given));
        if (!result) {
            throw std::runtime_error(step.function + " " + step.parameters + ": " +
                                     to_text(result.error()));
        }
    }
    report("answered");
}

inline Task<> take_all(SimulatedServer& world, const KillTest& test, const Report& report) {
    Container together(world.scheduler());
    for (const auto& group : test.groups) {
        std::vector<Task<>> steps;
        for (const Step& step : group) {
            steps.push_back(take_step(world, test, step, report));
        }
        Task<> all = execute_all(together, std::move(steps));
        co_await all;
    }
}

// Whether a process that was killed is followed by one that starts a server, and is killed while it
// does that, or ends the server.
enum class Again { no, yes };

// Kills a process that takes the steps at its first write, another one at its second, and so on,
// until none is killed any more; with the address sanitizer at some of them. Checks each time what
// the next server has: all that was answered for, of the rest each step from the first one on
// wholly or not at all, and nothing else.
inline void kill_at_each_write(const KillTest& test, Kill how, Again again = Again::no) {
    const std::vector<Content> contents = test.contents();
    const auto work = [&](const Report& report) {
        SimulatedServer world(test.app(), Registry().add(test.type));
        world.run(take_all(world, test, report));
        world.finish();
        if (!world.log().empty()) {
            throw std::runtime_error(world.log());
        }
    };
    const auto come_back = [&](const Report&) {
        SimulatedServer world(test.app(), Registry().add(test.type));
        world.run([]() -> Task<> { co_return; }());
        world.finish();
    };
    bool killed = true;
    std::uint64_t nth = 0;
    std::uint64_t runs = 0;
    std::uint64_t killed_again = 0;
    while (killed) {
        nth += runs++ == 0 ? 1 : test::one_run_of;
        test.file.remove();
        const KilledRun run = run_until_killed(nth, how, work);
        killed = run.killed;
        if (again == Again::yes) {
            killed_again += run_until_killed(1 + nth * 7 % 12, how, come_back).killed ? 1 : 0;
        }
        const auto begun = static_cast<std::size_t>(std::ranges::count(run.reports, "begun"));
        const std::size_t answered = run.reports.size() - begun;
        Content found;
        SimulatedServer world(test.app(), Registry().add(test.type));
        world.run(test.read(found));
        INFO("killed at write " << nth << ", " << begun << " steps begun, " << answered
                                << " answered; found " << text_of(found) << "; answered for "
                                << text_of(contents[answered]));
        REQUIRE(world.log() == "");
        bool is_right = false;
        for (std::size_t steps = answered; steps <= begun; ++steps) {
            is_right = is_right || found == contents.at(steps);
        }
        REQUIRE(is_right);
        REQUIRE((killed || answered + 1 == contents.size()));
    }
    INFO(runs << " runs");
    CHECK(nth > 90);
    CHECK((again == Again::no || killed_again > runs / 4));
}

}  // namespace weir::database
