#include "core/wait/wait_for_empty.h"

#include <catch2/catch.hpp>

#include "core/wait/do_events.h"
#include "core/wait/timeout.h"
#include "tests/support/world.h"

using namespace weir;
using namespace weir::test;

namespace {

Task<> do_jobs(World& world, Duration each) {
    const auto jobs = match<Job>().make();
    while (true) {
        const auto job = co_await jobs;
        job->set_ignorable();
        world.output += std::to_string(job->number);
        co_await sleep(each);
    }
}

}  // namespace

TEST_CASE("a queue without events is empty at once", "[wait_for_empty]") {
    World world;
    world.start([](World& w) -> Task<> {
        const Ref<Queue> queue = w.scheduler.queue().add("jobs", 1, match<Job>().make());
        co_await wait_for_empty(queue);
        std::vector<Ref<Queue>> queues(2, queue);
        co_await wait_for_all_empty(std::move(queues));
        w.output += "empty";
    });
    CHECK(world.run() == "empty");
}

TEST_CASE("a queue is empty when its last event has been processed", "[wait_for_empty]") {
    World world;
    world.start([](World& w) -> Task<> {
        const Ref<Queue> queue = w.scheduler.queue().add("jobs", 1, match<Job>().make());
        for (int i = 0; i != 3; ++i) {
            w.scheduler.emergency_send(make_event<Job>(i));
        }
        w.container.start(do_jobs(w, 1s), {.daemon = true});
        co_await wait_for_empty(queue);
        w.output += " empty";
        CHECK(queue->size() == 0);
        CHECK(w.time() == 2s);
    });
    CHECK(world.run() == "012 empty");
}

TEST_CASE("a queue is not empty while an event is blocked", "[wait_for_empty]") {
    World world;
    world.start([](World& w) -> Task<> {
        const Ref<Queue> queue = w.scheduler.queue().add("jobs", 1, match<Job>().make());
        w.scheduler.emergency_send(make_event<Job>(1));
        const bool in_time = co_await execute_with_timeout(1s, wait_for_empty(queue));
        CHECK_FALSE(in_time);
        w.scheduler.ignore(match<Job>().make());
        co_await wait_for_empty(queue);
        w.output += "empty";
    });
    CHECK(world.run() == "empty");
}

TEST_CASE("wait_for_all_empty waits until several queues are empty at the same time",
          "[wait_for_empty]") {
    World world;
    world.start([](World& w) -> Task<> {
        std::vector<Ref<Queue>> queues;
        queues.push_back(w.scheduler.queue().add("one", 1, match<Job>(1).make()));
        queues.push_back(w.scheduler.queue().add("two", 2, match<Job>(2).make()));
        for (const int number : {1, 2, 1}) {
            w.scheduler.emergency_send(make_event<Job>(number));
        }
        w.container.start(do_jobs(w, 1s), {.daemon = true});
        w.start([](World& w2) -> Task<> {
            co_await sleep(1500ms);  // the queue that was empty is filled again
            w2.scheduler.emergency_send(make_event<Job>(2));
        });
        const auto both = queues;
        co_await wait_for_all_empty(std::move(queues));
        CHECK(both[0]->size() + both[1]->size() == 0);
        w.output += " empty";
    });
    CHECK(world.run() == "2121 empty");
}
