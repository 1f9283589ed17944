#include "core/wait/future.h"

#include <memory>
#include <stdexcept>
#include <string>

#include <catch2/catch.hpp>

#include "core/wait/do_events.h"
#include "core/wait/timeout.h"
#include "tests/support/world.h"

using namespace weir;
using namespace weir::test;

namespace {

Task<> give(Future<std::string> future, Duration after) {
    co_await sleep(after);
    future.set_result("abc");
}

Task<> give_failure(Future<std::string> future, Duration after) {
    co_await sleep(after);
    future.set_exception(std::make_exception_ptr(std::runtime_error("failed")));
}

Task<> take(World& world, Future<std::string> future, Duration after) {
    co_await sleep(after);
    try {
        const std::string& result = co_await future;
        world.output += result;
    } catch (const std::exception& e) {
        world.output += e.what();
    }
}

Task<std::string> work(World& world, bool well) {
    const Mark mark(world.output, ".");
    co_await sleep(1s);
    if (!well) {
        throw std::runtime_error("failed");
    }
    co_return "worked";
}

}  // namespace

TEST_CASE("a future returns its result to routines that wait before or after it is set",
          "[future]") {
    World world;
    const Future<std::string> future(world.scheduler);
    const bool result_first = GENERATE(true, false);
    world.container.start(give(future, result_first ? 0s : 2s));
    world.container.start(take(world, future, 1s));
    world.container.start(take(world, future, 1s));
    CHECK(world.run() == "abcabc");
}

TEST_CASE("a future throws its exception in routines that wait before or after it is set",
          "[future]") {
    World world;
    const Future<std::string> future(world.scheduler);
    const bool result_first = GENERATE(true, false);
    world.container.start(give_failure(future, result_first ? 0s : 2s));
    world.container.start(take(world, future, 1s));
    CHECK(world.run() == "failed");
    CHECK(future.done());
    CHECK_THROWS_AS(future.result(), std::runtime_error);
}

TEST_CASE("done() returns without waiting whether a future has a result", "[future]") {
    World world;
    Future<std::string> future(world.scheduler);
    CHECK_FALSE(future.done());
    const Future<std::string> same = future;
    future.set_result("abc");
    CHECK(same.done());
    CHECK(same.result() == "abc");
    world.start([](World&) -> Task<> { co_await do_events(); });
    world.run();
}

TEST_CASE("a future accepts one result only", "[future]") {
    World world;
    Future<> future(world.scheduler);
    future.set_result();
    CHECK_THROWS_AS(future.set_result(), std::logic_error);
    CHECK_THROWS_AS(future.set_exception(nullptr), std::logic_error);
    CHECK_NOTHROW(future.result());
}

TEST_CASE("a result that cannot be copied may be set", "[future]") {
    World world;
    Future<std::unique_ptr<int>> future(world.scheduler);
    future.set_result(std::make_unique<int>(7));
    CHECK(*future.result() == 7);
}

TEST_CASE("ensure_result sets what a function returns or throws", "[future]") {
    World world;
    Future<int> number(world.scheduler);
    number.ensure_result([] { return 7; });
    CHECK(number.result() == 7);

    Future<int> failed(world.scheduler);
    const auto fail = []() -> int { throw std::runtime_error("failed"); };
    CHECK_THROWS_AS(failed.ensure_result(fail), std::runtime_error);
    CHECK_THROWS_AS(failed.result(), std::runtime_error);

    Future<> nothing(world.scheduler);
    nothing.ensure_result([] {});
    CHECK(nothing.done());

    Future<int> own(world.scheduler);
    own.ensure_result([&own] {
        own.set_result(1);
        return 2;  // ignored: the future is done
    });
    CHECK(own.result() == 1);
}

TEST_CASE("a promise cancels the future if it is destroyed before the future has a result",
          "[future]") {
    World world;
    const Future<std::string> future(world.scheduler);
    world.other = world.start([](World&) -> Task<> { co_await match<Ping>(); });
    world.container.start(take(world, future, 0s));
    world.begin(
        +[](World&, Future<std::string> promised) -> Task<> {
            const auto promise = promised.ensure_result();
            co_await sleep(1s);
        },
        {}, future);
    CHECK(world.run() == "the future was cancelled");
    SECTION("a promise does nothing if the future has a result") {
        Future<int> done(world.scheduler);
        {
            const auto promise = done.ensure_result();
            done.set_result(1);
        }
        CHECK(done.result() == 1);
    }
}

TEST_CASE("the future of a routine returns the routine's result", "[future]") {
    World world;
    const bool well = GENERATE(true, false);
    world.begin(
        +[](World& w, bool worked) -> Task<> {
            const RoutineFuture<std::string> future(w.container, work(w, worked),
                                                    {.name = "worker"});
            co_await do_events();
            CHECK_FALSE(future.done());
            co_await take(w, future, 0s);
        },
        {}, well);
    CHECK(world.run() == (well ? ".worked" : ".failed"));
}

TEST_CASE("the future of a routine that ends at once has its result at once", "[future]") {
    World world;
    const RoutineFuture<int> future(
        world.container, [](World&) -> Task<int> { co_return 7; }(world), {.foreground = true});
    CHECK(future.done());
    CHECK(future.result() == 7);
    const RoutineFuture<> failed(world.container,
                                 [](World&) -> Task<> {
                                     throw std::runtime_error("at once");
                                     co_return;
                                 }(world),
                                 {.foreground = true});
    CHECK_THROWS_AS(failed.result(), std::runtime_error);
}

TEST_CASE("closing a routine cancels its future", "[future]") {
    World world;
    world.start([](World& w) -> Task<> {
        RoutineFuture<std::string> future(w.container, work(w, true));
        w.begin(
            +[](World&, RoutineFuture<std::string>* closed) -> Task<> {
                co_await do_events();
                closed->close();
                closed->close();  // closed already: does nothing
            },
            {}, &future);
        try {
            co_await future;
        } catch (const FutureCancelledException& e) {
            w.output += e.what();
        }
    });
    CHECK(world.run() == ".the future was cancelled");
}

TEST_CASE("closing a routine that has not begun cancels its future", "[future]") {
    World world;
    world.start([](World& w) -> Task<> {
        RoutineFuture<std::string> future(w.container, work(w, true));
        future.close();
        CHECK(future.done());
        try {
            co_await future;
        } catch (const FutureCancelledException& e) {
            w.output += e.what();
        }
    });
    CHECK(world.run() == "the future was cancelled");
}

TEST_CASE("a routine continues although no future of it is left", "[future]") {
    World world;
    world.start([](World& w) -> Task<> {
        { const RoutineFuture<std::string> future(w.container, work(w, true)); }
        co_await sleep(500ms);
        w.output += "waited ";
    });
    CHECK(world.run() == "waited .");
}

TEST_CASE("wait_and_close closes the routine when the waiting routine is unwound", "[future]") {
    World world;
    world.start([](World& w) -> Task<> {
        RoutineFuture<std::string> future(w.container, work(w, true));
        const auto result = co_await execute_with_timeout(500ms, future.wait_and_close());
        CHECK_FALSE(result.has_value());
        CHECK(future.done());
        RoutineFuture<std::string> second(w.container, work(w, true));
        const auto in_time = co_await execute_with_timeout(2s, second.wait_and_close());
        w.output += in_time.value_or("nothing");
    });
    CHECK(world.run() == "..worked");
}

TEST_CASE("a routine that waits for a future may be closed, and quits with the scheduler",
          "[future]") {
    World world;
    world.start([](World& w) -> Task<> {
        const Future<> future(w.scheduler);
        try {
            co_await future;
        } catch (const QuitException&) {
            w.output += "quits";
        }
    });
    world.start([](World& w) -> Task<> {
        co_await sleep(1s);
        w.scheduler.quit();
    });
    CHECK(world.run() == "quits");
}
