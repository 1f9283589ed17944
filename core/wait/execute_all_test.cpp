#include "core/wait/execute_all.h"

#include <memory>
#include <stdexcept>

#include <catch2/catch.hpp>

#include "core/wait/do_events.h"
#include "core/wait/timeout.h"
#include "tests/support/world.h"

using namespace weir;
using namespace weir::test;

namespace {

Task<std::unique_ptr<int>> work(World& world, int seconds) {
    const Mark mark(world.output, ".");
    co_await sleep(seconds * 1s);
    if (seconds == 13) {
        throw std::runtime_error("thirteen");
    }
    co_return std::make_unique<int>(seconds);
}

Task<> fail(Duration after, const char* text) {
    co_await sleep(after);
    throw std::runtime_error(text);
}

Task<> throw_number() {
    co_await do_events();
    throw 7;
}

}  // namespace

TEST_CASE("tasks run concurrently, and their results are in order", "[execute_all]") {
    World world;
    world.start([](World& w) -> Task<> {
        std::vector<Task<std::unique_ptr<int>>> tasks;
        for (const int seconds : {3, 1, 2}) {
            tasks.push_back(work(w, seconds));
        }
        const auto results = co_await execute_all(w.container, std::move(tasks));
        for (const auto& result : results) {
            w.output += std::to_string(*result);
        }
        CHECK(w.time() == 3s);
    });
    CHECK(world.run() == "...312");
}

TEST_CASE(
    "execute_all returns at once without tasks, and awaits a single task in the caller's routine",
    "[execute_all]") {
    World world;
    world.other = world.start([](World& w) -> Task<> {
        co_await execute_all(w.container, std::vector<Task<>>());
        std::vector<Task<>> one;
        one.push_back([](World& w2) -> Task<> {
            CHECK(w2.scheduler.current() == w2.other.get());
            w2.output += "one ";
            co_return;
        }(w));
        co_await execute_all(w.container, std::move(one));
        std::vector<Task<std::unique_ptr<int>>> number;
        number.push_back(work(w, 1));
        const auto results = co_await execute_all(w.container, std::move(number));
        CHECK(results.size() == 1);
    });
    CHECK(world.run() == "one .");
}

TEST_CASE("if one task throws, the rest run to their end, and its exception is thrown",
          "[execute_all]") {
    World world;
    world.start([](World& w) -> Task<> {
        std::vector<Task<std::unique_ptr<int>>> tasks;
        tasks.push_back(work(w, 13));
        tasks.push_back(work(w, 20));
        try {
            co_await execute_all(w.container, std::move(tasks));
        } catch (const std::runtime_error& e) {
            w.output += e.what();
        }
        CHECK(w.time() == 20s);
    });
    CHECK(world.run() == "..thirteen");
    CHECK(world.log.empty());
}

TEST_CASE("if several tasks throw, a MultipleException holds all exceptions", "[execute_all]") {
    World world;
    world.start([](World& w) -> Task<> {
        std::vector<Task<>> tasks;
        tasks.push_back(fail(2s, "a"));
        tasks.push_back(fail(1s, "b"));
        tasks.push_back(throw_number());
        try {
            co_await execute_all(w.container, std::move(tasks));
        } catch (const MultipleException& e) {
            CHECK(e.exceptions().size() == 3);
            CHECK_THROWS_AS(std::rethrow_exception(e.exceptions()[2]), int);
            w.output += e.what();
        }
    });
    CHECK(world.run() == "3 exceptions side by side: a; b; of an unknown type");
}

TEST_CASE("tasks are closed when the waiting routine is unwound", "[execute_all]") {
    World world;
    world.start([](World& w) -> Task<> {
        const bool ended = co_await execute_with_timeout(1s, [](World& w2) -> Task<> {
            std::vector<Task<std::unique_ptr<int>>> tasks;
            tasks.push_back(work(w2, 5));
            tasks.push_back(work(w2, 6));
            co_await execute_all(w2.container, std::move(tasks));
        }(w));
        CHECK_FALSE(ended);
        CHECK(w.scheduler.timers().size() == 0);
        w.output += "unwound";
    });
    CHECK(world.run() == "..unwound");
}

TEST_CASE("tasks that are unwound with their caller tell of their end only if they have begun",
          "[execute_all]") {
    World world;
    world.start([](World& w) -> Task<> {
        const auto ended = match<RoutineControlEvent>().make();
        const auto caller = +[](World& w2) -> Task<> {
            std::vector<Task<std::unique_ptr<int>>> tasks;
            tasks.push_back(work(w2, 5));
            tasks.push_back(work(w2, 6));
            co_await execute_all(w2.container, std::move(tasks));
        };
        w.start_now(caller)->close();
        CHECK_FALSE(co_await wait_with_timeout(1s, ended));
        const Ref<Routine> begun = w.start_now(caller);
        co_await sleep(1s);
        begun->close();
        co_await ended;
        w.output += "told";
    });
    CHECK(world.run() == "..told");
}

TEST_CASE("execute_all throws a DelegateClosedException for a task that was closed",
          "[execute_all]") {
    World world;
    world.start([](World& w) -> Task<> {
        Container helpers(w.scheduler);
        std::vector<Task<std::unique_ptr<int>>> tasks;
        tasks.push_back(work(w, 5));
        tasks.push_back(work(w, 6));
        w.begin(
            +[](World&, Container* closed) -> Task<> {
                co_await sleep(1s);
                closed->close();
            },
            {}, &helpers);
        try {
            co_await execute_all(helpers, std::move(tasks));
        } catch (const MultipleException& e) {
            w.output += e.what();
        }
        CHECK(w.time() == 1s);
    });
    CHECK(
        world.run() ==
        "..2 exceptions side by side: the routine of the task was closed; the routine of the task "
        "was closed");
}

TEST_CASE("a task that is closed before it begins counts as closed", "[execute_all]") {
    World world;
    world.start([](World& w) -> Task<> {
        Container helpers(w.scheduler);
        w.begin(
            +[](World&, Container* closed) -> Task<> {
                closed->close();
                co_return;
            },
            {}, &helpers);
        try {
            co_await delegate(helpers, work(w, 1));
        } catch (const DelegateClosedException&) {
            w.output += "closed";
        }
    });
    CHECK(world.run() == "closed");
}

TEST_CASE("a routine delegates a task to another container", "[delegate]") {
    World world;
    world.start(
        [](World& w) -> Task<> {
            Container helpers(w.scheduler);
            const auto result = co_await delegate(helpers, work(w, 2));
            w.output += std::to_string(*result);
            co_await delegate(helpers, [](World& w2, Container& own) -> Task<> {
                Routine& self = co_await this_routine();
                CHECK(self.container() == &own);
                CHECK(self.name() == "boss");
                w2.output += " delegated ";
            }(w, helpers));
            try {
                co_await delegate(helpers, work(w, 13));
            } catch (const std::runtime_error& e) {
                w.output += e.what();
            }
        },
        {.name = "boss"});
    CHECK(world.run() == ".2 delegated .thirteen");
}

TEST_CASE("a delegated task continues when the waiting routine is unwound", "[delegate]") {
    World world;
    world.start([](World& w) -> Task<> {
        const auto none = co_await execute_with_timeout(1s, delegate(w.container, work(w, 2)));
        CHECK_FALSE(none.has_value());
        w.output += "unwound ";
        co_await sleep(5s);
    });
    CHECK(world.run() == "unwound .");
}

TEST_CASE("tasks may outlive the routine that waits for them, or be closed with it",
          "[execute_all][delegate]") {
    World world;
    world.start([](World& w) -> Task<> {
        std::vector<Task<std::unique_ptr<int>>> tasks;
        tasks.push_back(work(w, 2));
        const auto none = co_await execute_with_timeout(
            1s, execute_all(w.container, std::move(tasks), WhenUnwound::go_on));
        CHECK_FALSE(none.has_value());
        w.output += "unwound ";
        co_await sleep(5s);
        const auto closed = co_await execute_with_timeout(
            1s, delegate(w.container, work(w, 2), WhenUnwound::close));
        CHECK_FALSE(closed.has_value());
        w.output += " closed";
        co_await sleep(5s);
    });
    CHECK(world.run() == "unwound .. closed");
}
