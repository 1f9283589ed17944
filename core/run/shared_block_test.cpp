// Events that block one queue together. They waited in another queue when a subqueue for them was
// added, and are put back into that when no routine has processed them. To unblock one lets the
// other leave as well.

#include <catch2/catch.hpp>

#include "core/wait/timeout.h"
#include "tests/support/world.h"

using namespace weir;
using namespace weir::test;

namespace {

// Blocks Job 1 and Job 2 in the queue "jobs", the second in front.
struct TwoBlocks {
    World world;

    TwoBlocks() {
        world.scheduler.emergency_send(make_event<Job>(1));
        world.scheduler.emergency_send(make_event<Job>(2));
        world.scheduler.queue().add("jobs", 500, match<Job>().make());
    }
    static Queue& jobs(World& w) { return *w.scheduler.queue().find("jobs"); }
    static std::size_t blocked(World& w) { return w.scheduler.blocked_events().size(); }
};

}  // namespace

TEST_CASE("an event that was let go with another one blocks again", "[scheduler]") {
    TwoBlocks test;
    test.world.start([](World& w) -> Task<> {
        co_await sleep(1s);
        CHECK(TwoBlocks::jobs(w).size() == 2);
        CHECK(TwoBlocks::blocked(w) == 2);
        w.scheduler.ignore(match<Job>(2).make());
        co_await sleep(1s);
        CHECK(TwoBlocks::jobs(w).size() == 1);
        CHECK(TwoBlocks::blocked(w) == 1);
        const Ref<Job> job = co_await match<Job>();
        job->set_ignorable();
        w.output += std::to_string(job->number);
        co_await sleep(1s);
        CHECK(TwoBlocks::blocked(w) == 0);
    });
    CHECK(test.world.run() == "1");
    CHECK(test.world.scheduler.queue().size() == 0);
}

TEST_CASE("an event that was let go with another one and is processed then blocks no more",
          "[scheduler]") {
    TwoBlocks test;
    test.world.start([](World& w) -> Task<> {
        const auto jobs = match<Job>().make();
        for (int seen = 1;; ++seen) {
            const Ref<Job> job = co_await jobs;
            w.output += std::to_string(job->number);
            if (seen == 4) {
                job->set_ignorable();
            }
        }
    });
    test.world.start([](World& w) -> Task<> {
        co_await sleep(1s);
        CHECK(TwoBlocks::blocked(w) == 2);
        w.scheduler.ignore(match<Job>(2).make());
        co_await sleep(1s);
        CHECK(TwoBlocks::jobs(w).size() == 0);
        CHECK(TwoBlocks::blocked(w) == 0);
        w.scheduler.quit();
    });
    CHECK(test.world.run() == "1221");
}
