#include <catch2/catch.hpp>

#include "core/observe/recorder.h"
#include "core/wait/do_events.h"
#include "core/wait/send.h"
#include "core/wait/timeout.h"
#include "core/wait/wait_for_empty.h"
#include "tests/support/world.h"

using namespace weir;
using namespace weir::test;

namespace {

// Takes the jobs that come within a second, and notes their numbers.
Task<> take_jobs(World& world) {
    const MatcherOf<Job> jobs = match<Job>();
    while (const auto found = co_await wait_with_timeout(1s, jobs)) {
        found->event->set_ignorable();
        world.output += std::to_string(found->event->as<Job>().number) + ' ';
    }
}

Task<> send_numbered_jobs(World& world, int first, int last) {
    for (int number = first; number <= last; ++number) {
        co_await send(make_event<Job>(number));
        world.output += "sent " + std::to_string(number) + ' ';
    }
}

// Sends two jobs, of which the first blocks its queue, and withdraws one of them.
Task<> withdraw_one_of_two(World& world, bool blocking) {
    const Ref<Job> first = make_event<Job>(1);
    const Ref<Job> second = make_event<Job>(2);
    co_await send(first);
    co_await send(second);
    co_await sleep(1ms);
    CHECK(first->blocks() != nullptr);
    const std::size_t size = world.scheduler.queue().size();
    CHECK(world.scheduler.withdraw(blocking ? *first : *second));
    CHECK_FALSE(world.scheduler.withdraw(blocking ? *first : *second));
    CHECK(world.scheduler.queue().size() == size - 1);
    co_await take_jobs(world);
    world.output += "again ";
    co_await send(blocking ? first : second);
    co_await take_jobs(world);
}

}  // namespace

TEST_CASE("an event that is withdrawn is delivered to no routine, and may be sent again",
          "[withdraw]") {
    World world;
    const bool blocking = GENERATE(true, false);
    world.begin([](World& w, bool which) -> Task<> { co_await withdraw_one_of_two(w, which); }, {},
                blocking);
    const std::string expected = blocking ? "2 again 1 " : "1 again 2 ";
    CHECK(world.run() == expected);
}

TEST_CASE("an event that is delivered, or whose sender waits, is not withdrawn", "[withdraw]") {
    World world;
    world.scheduler.queue().add("jobs", 500, match<Job>().make(), {.max_default = 1});
    world.start([](World& w) -> Task<> {
        const Ref<Job> taken = make_event<Job>(1);
        CHECK_FALSE(w.scheduler.withdraw(*taken));
        co_await send(taken);
        const Ref<Job> refused = make_event<Job>(2);
        w.container.start([](Ref<Job> job) -> Task<> { co_await send(job); }(refused));
        co_await do_events();
        CHECK_FALSE(w.scheduler.withdraw(*refused));
        const Ref<Job> seen = co_await match<Job>(1);
        seen->set_ignorable();
        CHECK_FALSE(w.scheduler.withdraw(*taken));
        co_await take_jobs(w);
    });
    CHECK(world.run() == "2 ");
}

TEST_CASE("a sender that waits gets the slot of an event that is withdrawn", "[withdraw]") {
    World world;
    const bool above = GENERATE(false, true);
    QueueOptions options;
    (above ? options.max_total : options.max_default) = 2;
    world.scheduler.queue().add("jobs", 500, match<Job>().make(), options);
    world.start([](World& w) -> Task<> {
        const Ref<Job> wrong = make_event<Job>(9);
        co_await send(make_event<Job>(1));
        co_await send(wrong);
        w.container.start(send_numbered_jobs(w, 2, 2));
        w.container.start(send_numbered_jobs(w, 3, 3));
        co_await sleep(1ms);
        CHECK(w.output == "");
        const Queue& jobs = *w.scheduler.queue().find("jobs");
        const std::uint64_t popped = jobs.popped();
        w.scheduler.withdraw(*wrong);
        co_await sleep(1ms);
        CHECK(w.output == "sent 2 ");
        CHECK(jobs.size() == 2);
        CHECK(jobs.popped() == popped);
        co_await take_jobs(w);
    });
    CHECK(world.run() == "sent 2 1 sent 3 2 3 ");
}

TEST_CASE("a queue whose last event is withdrawn is empty for those that wait for that",
          "[withdraw]") {
    World world;
    const Ref<Queue> jobs = world.scheduler.queue().add("jobs", 500, match<Job>().make());
    world.start([](World& w) -> Task<> {
        const Ref<Job> only = make_event<Job>(1);
        co_await send(only);
        w.container.start([](World& of) -> Task<> {
            co_await wait_for_empty(Ref<Queue>(of.scheduler.queue().find("jobs")));
            of.output += "empty";
        }(w));
        co_await sleep(1ms);
        CHECK(w.output == "");
        w.scheduler.withdraw(*only);
        co_await sleep(1ms);
    });
    CHECK(world.run() == "empty");
}

TEST_CASE("a recording says which event was withdrawn", "[withdraw]") {
    World world;
    Recorder recorder(world.scheduler, 1000);
    world.start([](World& w) -> Task<> {
        const Ref<Job> only = make_event<Job>(1);
        co_await send(only);
        w.scheduler.withdraw(*only);
    });
    world.run();
    recorder.stop();
    std::size_t withdrawn = 0;
    for (const Recorder::Record& record : recorder.records()) {
        withdrawn += record.kind == Recorder::Record::Kind::withdrawn ? 1 : 0;
    }
    CHECK(withdrawn == 1);
}
