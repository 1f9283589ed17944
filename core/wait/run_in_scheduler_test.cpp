#include "core/wait/run_in_scheduler.h"

#include <memory>
#include <stdexcept>

#include <catch2/catch.hpp>

#include "core/wait/do_events.h"
#include "core/wait/send.h"
#include "core/wait/timeout.h"
#include "core/wait/wait_for_empty.h"
#include "tests/support/world.h"

using namespace weir;
using namespace weir::test;

using Processor = Scheduler::Processor;

TEST_CASE("run_in_scheduler calls a function outside of any routine and returns its result",
          "[run_in_scheduler]") {
    World world;
    world.start([](World& w) -> Task<> {
        auto call = [&w](const Processor&) {
            CHECK(w.scheduler.current() == nullptr);
            return std::make_unique<int>(7);
        };
        const std::unique_ptr<int> result = co_await run_in_scheduler(std::move(call));
        w.output += std::to_string(*result);
    });
    CHECK(world.run() == "7");
}

TEST_CASE("run_in_scheduler throws what the function throws", "[run_in_scheduler]") {
    World world;
    world.start([](World& w) -> Task<> {
        auto call = [](const Processor&) { throw std::runtime_error("failed"); };
        try {
            co_await run_in_scheduler(call);
        } catch (const std::runtime_error& e) {
            w.output += e.what();
        }
    });
    CHECK(world.run() == "failed");
}

TEST_CASE("a function that throws after its routine was closed is logged", "[run_in_scheduler]") {
    World world;
    world.other = world.start([](World& w) -> Task<> {
        auto call = [&w](const Processor&) {
            w.other->close();
            throw std::runtime_error("failed");
        };
        co_await run_in_scheduler(call);
    });
    world.run();
    CHECK(world.log ==
          std::vector<std::string>{"a call in the scheduler's context with an exception: failed"});
    world.log.clear();
}

TEST_CASE("the function is destroyed before its routine continues", "[run_in_scheduler]") {
    // The routine may unload the library with the function's code.
    World world;
    world.start([](World& w) -> Task<> {
        auto owned = std::make_shared<int>(7);
        const std::weak_ptr<int> seen = owned;
        auto call = [owned = std::move(owned)](const Processor&) {};
        co_await run_in_scheduler(std::move(call));
        w.output += seen.expired() ? "gone" : "kept";
    });
    CHECK(world.run() == "gone");
}

TEST_CASE("a function in the scheduler delivers an event at once", "[run_in_scheduler]") {
    World world;
    world.start([](World& w) -> Task<> {
        co_await match<Ping>();
        w.output += "received ";
    });
    world.start([](World& w) -> Task<> {
        auto call = [&w](const Processor& processor) {
            const Ref<Ping> ping = make_event<Ping>(1);
            processor(ping);
            w.output += "delivered ";
        };
        co_await run_in_scheduler(call);
        w.output += "done";
    });
    CHECK(world.run() == "received delivered done");
}

TEST_CASE("functions of several routines are called one after the other", "[run_in_scheduler]") {
    World world;
    world.start([](World& w) -> Task<> {
        for (const char name : {'a', 'b', 'c'}) {
            w.begin(
                +[](World& w2, char letter) -> Task<> {
                    auto call = [&w2, letter](const Processor&) { w2.output += letter; };
                    co_await run_in_scheduler(call);
                    w2.output += letter;
                },
                {.foreground = true}, name);
        }
        co_return;
    });
    CHECK(world.run() == "aabbcc");
}

TEST_CASE("clearing a queue drops its events and wakes the routines that wait for capacity",
          "[run_in_scheduler]") {
    World world;
    world.scheduler.queue().add("jobs", 500, match<Job>().make(), {.max_total = 2});
    world.start([](World& w) -> Task<> {
        for (int i = 0; i != 3; ++i) {
            co_await send(make_event<Job>(i));
            w.output += std::to_string(i);
        }
    });
    world.start([](World& w) -> Task<> {
        co_await wait_for_empty(Ref<Queue>(w.scheduler.queue().find("jobs")));
        w.output += " empty ";
    });
    world.start([](World& w) -> Task<> {
        co_await sleep(1s);
        CHECK(w.scheduler.blocked_events().size() == 1);
        Queue& queue = *w.scheduler.queue().find("jobs");
        auto clear = [&w, &queue](const Processor& processor) {
            clear_queue(w.scheduler, queue, processor);
        };
        co_await run_in_scheduler(clear);
        w.output += " cleared ";
        co_await sleep(1s);
        CHECK(queue.size() == 1);
        co_await run_in_scheduler(clear);
        CHECK(queue.size() == 0);
    });
    CHECK(world.run() == "012 cleared  empty ");
}

TEST_CASE("the events of a removed queue return to its parent", "[run_in_scheduler]") {
    World world;
    const Ref<Queue> queue =
        world.scheduler.queue().add("jobs", 500, match<Job>().make(), {.max_total = 1});
    world.start([](World& w) -> Task<> {
        for (int i = 0; i != 2; ++i) {
            co_await send(make_event<Job>(i));
            w.output += "sent ";
        }
    });
    world.start([](World& w) -> Task<> {
        co_await sleep(1s);
        Queue& jobs = *w.scheduler.queue().find("jobs");
        auto remove = [&w, &jobs](const Processor& processor) {
            remove_queue(w.scheduler, jobs, processor);
        };
        co_await run_in_scheduler(remove);
        CHECK(jobs.removed());
        try {
            co_await run_in_scheduler(remove);
        } catch (const std::invalid_argument& e) {
            w.output += e.what();
        }
        const auto all = match<Job>().make();
        for (int i = 0; i != 2; ++i) {
            const auto job = co_await all;
            job->set_ignorable();
            w.output += ' ' + std::to_string(job->number);
        }
    });
    CHECK(world.run() ==
          "sent sent queue 'jobs' cannot be removed: it is the root or has been removed 0 1");
    CHECK(queue->removed());
}
