#include "core/wait/condition.h"

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "core/wait/alarm.h"
#include "core/wait/timeout.h"
#include "tests/support/virtual_world.h"

using namespace weir;
using namespace weir::test;
using namespace std::chrono_literals;

namespace {

Task<> wait_for_three(Condition& condition, const int& count, std::vector<std::string>& happened,
                      std::string name) {
    Task<bool> waiting = condition.until([&count] { return count >= 3; });
    const bool holds = co_await waiting;
    happened.push_back(name + (holds ? " goes on at " : " gives up at ") + std::to_string(count));
}

}  // namespace

TEST_CASE("routines that wait for a condition go on when it holds, in their order") {
    VirtualWorld world;
    Condition condition;
    int count = 0;
    std::vector<std::string> happened;
    const auto counting = [&]() -> Task<> {
        while (count != 4) {
            ++count;
            condition.notify();
            happened.push_back("counted " + std::to_string(count));
            co_await sleep(1s);
        }
    };
    world.run(wait_for_three(condition, count, happened, "a"),
              wait_for_three(condition, count, happened, "b"), counting());
    CHECK(happened == std::vector<std::string>{"counted 1", "counted 2", "counted 3",
                                               "a goes on at 3", "b goes on at 3", "counted 4"});
    CHECK_FALSE(condition.is_awaited());
}

TEST_CASE("a wait for a condition ends at its deadline, or at once if the condition holds") {
    VirtualWorld world;
    Condition condition;
    bool holds = false;
    const auto wait = [&]() -> Task<> {
        const Time begin = world.scheduler.now();
        Task<bool> waiting = condition.until([&holds] { return holds; }, world.in(5s));
        const bool in_time = co_await waiting;
        CHECK_FALSE(in_time);
        CHECK(world.scheduler.now() - begin == 5s);
        holds = true;
        Task<bool> again = condition.until([&holds] { return holds; }, world.in(5s));
        const bool at_once = co_await again;
        CHECK(at_once);
        CHECK(world.scheduler.now() - begin == 5s);
    };
    world.run(wait());
}

TEST_CASE("a routine that is closed while it waits for a condition is not missed") {
    VirtualWorld world;
    Condition condition;
    int count = 0;
    std::vector<std::string> happened;
    const auto script = [&]() -> Task<> {
        Container leaving(world.scheduler);
        leaving.start(wait_for_three(condition, count, happened, "leaving"));
        co_await sleep(1s);
        condition.notify();
        leaving.close();
        count = 3;
        condition.notify();
        co_await sleep(1s);
    };
    world.run(script(), wait_for_three(condition, count, happened, "staying"));
    CHECK(happened == std::vector<std::string>{"staying goes on at 3"});
}

TEST_CASE("an alarm wakes a routine at each of many deadlines, whichever comes first") {
    VirtualWorld world;
    Alarm alarm;
    std::multiset<Time> deadlines;
    const Time begin = world.scheduler.now();
    std::vector<Duration> rang;
    std::size_t looks = 0;
    const auto add = [&](Duration after) {
        deadlines.insert(world.in(after));
        alarm.no_later_than(world.in(after));
    };
    const auto ring = [&]() -> Task<> {
        while (rang.size() != 5) {
            ++looks;
            co_await alarm.wait(deadlines.empty() ? Time::max() : *deadlines.begin());
            while (!deadlines.empty() && *deadlines.begin() <= world.scheduler.now()) {
                deadlines.erase(deadlines.begin());
                rang.push_back(world.scheduler.now() - begin);
            }
        }
    };
    const auto script = [&]() -> Task<> {
        co_await sleep(1s);
        add(10s);
        add(20s);
        co_await sleep(1s);
        add(3s);
        add(2s);
        add(4s);
        deadlines.erase(deadlines.find(world.in(3s)));  // is dropped
        add(30s);
        co_await sleep(1s);
    };
    world.run(ring(), script());
    CHECK(rang == std::vector<Duration>{4s, 6s, 11s, 21s, 32s});
    CHECK(looks <= 9);
}
