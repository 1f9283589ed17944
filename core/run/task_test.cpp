#include "core/run/task.h"

#include <memory>
#include <stdexcept>
#include <string>

#include <catch2/catch.hpp>

#include "core/run/watch.h"
#include "core/wait/do_events.h"
#include "core/wait/timeout.h"
#include "tests/support/world.h"

using namespace weir;
using namespace weir::test;

namespace {

Task<std::unique_ptr<int>> make_number(int number) {
    co_await do_events();
    co_return std::make_unique<int>(number);
}

Task<int> sum_below(int n) {
    if (n == 0) {
        co_await do_events();
        co_return 0;
    }
    const int rest = co_await sum_below(n - 1);
    co_return n + rest;
}

Task<> fail(bool at_once) {
    if (!at_once) {
        co_await do_events();
    }
    throw std::runtime_error(at_once ? "at once" : "later");
}

Task<std::string> join(std::string a, std::unique_ptr<std::string> b) {
    co_await do_events();
    co_return a + *b;
}

}  // namespace

TEST_CASE("a task gives its result to the routine that awaits it", "[task]") {
    World world;
    world.start([](World& w) -> Task<> {
        const std::unique_ptr<int> number = co_await make_number(7);
        w.output += std::to_string(*number);
    });
    CHECK(world.run() == "7");
}

TEST_CASE("a task does nothing before it is awaited, and may never be", "[task]") {
    World world;
    world.start([](World& w) -> Task<> {
        const Task<> never = fail(true);
        Task<> late = fail(true);
        CHECK(late);
        w.output += "nothing yet, ";
        try {
            co_await late;
        } catch (const std::runtime_error& e) {
            w.output += e.what();
        }
        CHECK_FALSE(late);
    });
    CHECK(world.run() == "nothing yet, at once");
}

TEST_CASE("an exception goes through the tasks that await each other", "[task]") {
    World world;
    world.start([](World& w) -> Task<> {
        for (const bool at_once : {true, false}) {
            try {
                co_await [](World& w2, bool first) -> Task<> {
                    const Mark mark(w2.output, "unwound ");
                    co_await fail(first);
                }(w, at_once);
            } catch (const std::runtime_error& e) {
                w.output += e.what() + std::string(" ");
            }
        }
    });
    CHECK(world.run() == "unwound at once unwound later ");
}

TEST_CASE("tasks may await each other 10,000 deep", "[task]") {
    World world;
    world.start([](World& w) -> Task<> {
        const int sum = co_await sum_below(10'000);
        w.output += std::to_string(sum);
    });
    CHECK(world.run() == "50005000");
}

TEST_CASE("a task owns its parameters", "[task]") {
    World world;
    world.start([](World& w) -> Task<> {
        auto task = join("a text that is too long to be held inside ",
                         std::make_unique<std::string>("and another"));
        w.output += co_await task;
    });
    CHECK(world.run() == "a text that is too long to be held inside and another");
}

TEST_CASE("destroying a task that waits unwinds it", "[task]") {
    World world;
    world.start([](World& w) -> Task<> {
        co_await execute_with_timeout(1s, [](World& w2) -> Task<> {
            const Mark mark(w2.output, "unwound");
            co_await match<Ping>();
        }(w));
    });
    CHECK(world.run() == "unwound");
}

TEST_CASE("a task is awaited or started once only", "[task]") {
    World world;
    world.start([](World& w) -> Task<> {
        Task<> done = [](World&) -> Task<> { co_return; }(w);
        co_await done;
        CHECK_THROWS_AS(w.container.start(std::move(done)), std::logic_error);
        CHECK_THROWS_AS(execute_with_timeout(1s, Task<int>()), std::logic_error);
        CHECK_THROWS_AS(with_exception(Task<int>()), std::logic_error);
        try {
            co_await done;
        } catch (const std::logic_error& e) {
            w.output += e.what();
        }
    });
    CHECK(world.run() == "there is no task: it was awaited or started before");
}
