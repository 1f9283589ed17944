#include "core/run/scheduler.h"

#include <optional>
#include <stdexcept>

#include <catch2/catch.hpp>

#include "core/run/event_handler.h"
#include "core/wait/do_events.h"
#include "core/wait/send.h"
#include "core/wait/timeout.h"
#include "tests/support/world.h"

using namespace weir;
using namespace weir::test;

namespace {

// Blocks until the test has set `done`.
struct Patient : Event {
    Index<int> number;
    const bool* done = nullptr;

    bool can_ignore_now() const {
        return done == nullptr ? throw std::runtime_error("cannot tell") : *done;
    }
    static auto declare() {
        return declare_event<Patient>("weir.test.Patient")
            .index("number", &Patient::number)
            .blocking();
    }
};

Task<> write_jobs(World& world, char letter) {
    const auto jobs = match<Job>().make();
    while (true) {
        const auto job = co_await jobs;
        job->set_ignorable();
        world.output += letter + std::to_string(job->number) + ' ';
    }
}

Task<> wait_until_quit(World& world, char letter) {
    try {
        co_await match<Ping>(-1);
    } catch (const QuitException&) {
        world.output += letter;
    }
}

}  // namespace

// --- events

TEST_CASE("an event without a waiter is dropped, if it may be", "[scheduler]") {
    World world;
    world.ping();
    CHECK(world.scheduler.queue().size() == 1);
    world.start([](World&) -> Task<> { co_await do_events(); });
    world.run();
    CHECK(world.scheduler.queue().size() == 0);
}

TEST_CASE("an event that may not be dropped blocks its queue until a routine waits for it",
          "[scheduler]") {
    World world;
    world.scheduler.queue().add("jobs", 500, match<Job>().make());
    world.start([](World& w) -> Task<> {
        for (int i = 1; i != 4; ++i) {
            Ref<Event> event = make_event<Job>(i);
            co_await send(std::move(event));
        }
        co_await sleep(1s);
        CHECK(w.scheduler.queue().find("jobs")->size() == 3);
        CHECK(w.scheduler.blocked_events().size() == 1);
        w.container.start(write_jobs(w, 'a'), {.daemon = true});
        co_await sleep(1s);
    });
    CHECK(world.run() == "a1 a2 a3 ");
}

TEST_CASE("a blocked event holds nothing back in other queues", "[scheduler]") {
    World world;
    world.scheduler.queue().add("jobs", 500, match<Job>().make());
    world.start([](World& w) -> Task<> {
        Ref<Event> event = make_event<Job>(1);
        co_await send(std::move(event));
        w.ping();
        co_await match<Ping>();
        w.output += "pinged";
        w.scheduler.ignore(match<Job>().make());
        co_await do_events();
    });
    CHECK(world.run() == "pinged");
}

TEST_CASE("a routine that receives an event without processing it does not let it pass",
          "[scheduler]") {
    World world;
    world.start([](World& w) -> Task<> {
        co_await match<Job>();  // looks only
        w.output += "looked ";
        co_await sleep(1s);
        w.container.start(write_jobs(w, 'a'), {.daemon = true});
        co_await sleep(1s);
    });
    world.scheduler.emergency_send(make_event<Job>(1));
    CHECK(world.run() == "looked a1 ");
}

TEST_CASE("an event that its receiver sends on does not block", "[scheduler]") {
    World world;
    world.start([](World& w) -> Task<> {
        const Ref<Job> job = co_await match<Job>();
        w.scheduler.emergency_send(job);  // again, as it is
        const Ref<Job> again = co_await match<Job>();
        CHECK(again == job);
        again->set_ignorable();
        w.output += "again";
    });
    world.scheduler.emergency_send(make_event<Job>(1));
    CHECK(world.run() == "again");
    CHECK(world.scheduler.queue().size() == 0);
}

TEST_CASE("ignoring drops the blocked events that match", "[scheduler]") {
    World world;
    world.scheduler.queue().add("jobs", 500, match<Job>().make());
    world.start([](World& w) -> Task<> {
        w.scheduler.emergency_send(make_event<Job>(1));
        w.scheduler.emergency_send(make_event<Job>(2));
        co_await sleep(1s);
        w.scheduler.ignore(Matcher());  // matches nothing
        w.scheduler.ignore(match<Job>(2).make());
        CHECK(w.scheduler.blocked_events().size() == 1);
        w.scheduler.ignore(match<Job>(1).make());
        CHECK(w.scheduler.blocked_events().size() == 0);
        co_await sleep(1s);
        CHECK(w.scheduler.queue().find("jobs")->size() == 1);  // it was behind the other
        w.scheduler.ignore(match<Job>().make());
        co_await sleep(1s);
        CHECK(w.scheduler.queue().find("jobs")->size() == 0);
    });
    world.run();
}

TEST_CASE("an event may say when it leaves its queue whether it blocks", "[scheduler]") {
    World world;
    bool done = false;
    world.begin(
        +[](World& w, bool* flag) -> Task<> {
            const bool* const answer = flag;
            w.scheduler.emergency_send(make_event<Patient>(1, answer));
            co_await sleep(1s);
            CHECK(w.scheduler.blocked_events().size() == 1);
            *flag = true;
            const auto seen = co_await match<Patient>();  // takes it out; it is not processed
            w.output += std::to_string(seen->number);
        },
        {}, &done);
    CHECK(world.run() == "1");
    CHECK(world.scheduler.queue().size() == 0);
}

TEST_CASE("an event that fails to say whether it blocks does, and it is logged", "[scheduler]") {
    World world;
    world.start([](World& w) -> Task<> {
        w.scheduler.emergency_send(make_event<Patient>(1));
        co_await sleep(1s);
        CHECK(w.scheduler.blocked_events().size() == 1);
        CHECK(w.log.at(0) ==
              "can_ignore_now() of weir.test.Patient(number=1) with an exception: cannot tell");
        w.log.clear();
        w.scheduler.ignore(match<Patient>().make());
        co_await do_events();
    });
    world.run();
}

TEST_CASE("an event cannot be sent while it is in a queue", "[scheduler]") {
    World world;
    const Ref<Ping> ping = make_event<Ping>(1);
    world.scheduler.emergency_send(ping);
    CHECK_THROWS_AS(world.scheduler.emergency_send(ping), std::logic_error);
    CHECK_THROWS_AS(world.scheduler.try_send(ping), std::logic_error);
    world.start([](World&) -> Task<> { co_return; });
    world.run();
}

TEST_CASE("trying to send gives what to wait for when there is no place", "[scheduler]") {
    World world;
    world.scheduler.queue().add("one", 500, match<Ping>().make(), {.max_total = 1});
    CHECK_FALSE(world.scheduler.try_send(make_event<Ping>(1)));
    CHECK(world.scheduler.try_send(make_event<Ping>(2)));
    world.scheduler.emergency_send(make_event<Ping>(3));
    CHECK(world.scheduler.queue().find("one")->size() == 2);
    world.start([](World& w) -> Task<> {
        co_await match<Ping>(3);
        w.output += "3";
    });
    CHECK(world.run() == "3");
}

// --- time

TEST_CASE("a timer never fires early", "[scheduler][timer]") {
    World world;
    world.start([](World& w) -> Task<> {
        for (const Duration wait : {Duration(1s), Duration(1ns), Duration(0), Duration(7min)}) {
            const Time begin = w.scheduler.now();
            const Timer timer = w.scheduler.set_timer(wait);
            co_await timer.matcher();
            CHECK(w.scheduler.now() >= begin + wait);
            CHECK_FALSE(timer.active());
        }
    });
    world.run();
}

TEST_CASE("a timer in the past fires at once, one beyond the end of time never",
          "[scheduler][timer]") {
    World world;
    world.start([](World& w) -> Task<> {
        const Timer past = w.scheduler.set_timer(-1h);
        const Timer never = w.scheduler.set_timer(Duration::max());
        const Matched fired = co_await any_of(past.matcher(), never.matcher());
        CHECK(fired.which == 0);
        CHECK(w.time() == 0s);
        CHECK(never.active());
        CHECK_THROWS_AS(w.scheduler.set_timer(1s, -1s), std::invalid_argument);
    });
    world.run();
}

TEST_CASE("a periodic timer does not drift", "[scheduler][timer]") {
    World world;
    world.start([](World& w) -> Task<> {
        const Timer timer = w.scheduler.set_timer(1s, 100ms);
        for (int i = 0; i != 50; ++i) {
            co_await timer.matcher();
            CHECK(w.time() >= 1s + i * 100ms);
            CHECK(w.time() < 1s + (i + 1) * 100ms);
            co_await sleep(30ms);  // what is done each time takes time
        }
    });
    world.run();
}

TEST_CASE("a timer that is cancelled does not fire again", "[scheduler][timer]") {
    World world;
    world.start([](World& w) -> Task<> {
        Timer timer = w.scheduler.set_timer(1s, 1s);
        co_await timer.matcher();
        timer.cancel();
        const auto none = co_await wait_with_timeout(1min, timer.matcher());
        CHECK_FALSE(none);
        timer = w.scheduler.set_timer(1s);
        timer = Timer();
        CHECK(w.scheduler.timers().size() == 0);
    });
    world.run();
}

TEST_CASE("100,000 timers fire in the order of their time", "[scheduler][timer]") {
    World world;
    for (int i = 0; i != 100'000; ++i) {
        world.begin(
            +[](World& w, int number) -> Task<> {
                const Duration due = std::chrono::milliseconds((number * 7919L) % 100'003);
                co_await sleep(due);
                CHECK(w.time() == due);
                ++w.count;
            },
            {}, i);
    }
    world.run();
    CHECK(world.count == 100'000);
}

// --- running

TEST_CASE("the scheduler runs until only daemons are left, and closes them", "[scheduler]") {
    World world;
    world.start(
        [](World& w) -> Task<> {
            const Mark mark(w.output, "closed");
            co_await match<Ping>();
        },
        {.daemon = true});
    world.start([](World& w) -> Task<> {
        co_await sleep(1s);
        w.output += "done ";
    });
    CHECK(world.run() == "done closed");
}

TEST_CASE("a routine may become a daemon, and cease to be one", "[scheduler]") {
    World world;
    world.other = world.start(
        [](World& w) -> Task<> {
            Routine& self = co_await this_routine();
            CHECK(self.daemon());
            self.set_daemon(false);
            co_await sleep(1s);
            w.output += "kept running ";
            self.set_daemon(true);
            co_await sleep(1s);
            w.output += "not here";
        },
        {.daemon = true});
    world.start([](World&) -> Task<> { co_await do_events(); });
    CHECK(world.run() == "kept running ");
}

TEST_CASE("the scheduler ends when nothing can happen any more", "[scheduler]") {
    World world;
    const auto wait = [](World& w, char letter) -> Task<> {
        const Mark mark(w.output, "closed ");
        try {
            co_await match<Ping>();
        } catch (const QuitException&) {
            w.output += letter;
        }
    };
    world.begin(wait, {}, 'r');
    world.begin(wait, {.daemon = true}, 'd');
    CHECK(world.run() == "dclosed closed ");  // only daemons are told that it quits
}

TEST_CASE("told to quit, each routine cleans up with awaits, in the order of their first wait",
          "[scheduler][quit]") {
    World world;
    for (const char name : {'a', 'b', 'c'}) {
        world.begin(
            +[](World& w, char letter) -> Task<> {
                try {
                    co_await match<Ping>();
                } catch (const QuitException& e) {
                    CHECK(e.what() == std::string("the scheduler quits"));
                    w.output += letter;
                }
                co_await sleep((letter - 'a') * 1s);
                w.output += static_cast<char>(letter - 'a' + 'A');
            },
            {.daemon = name == 'b'}, name);
    }
    world.start([](World& w) -> Task<> {
        co_await sleep(1s);
        w.scheduler.quit();
        CHECK(w.scheduler.quitting());
        w.scheduler.quit();  // does nothing
    });
    CHECK(world.run() == "abcABC");
    CHECK_FALSE(world.scheduler.quitting());
}

TEST_CASE("a routine that does not catch it ends when the scheduler quits, without a word",
          "[scheduler][quit]") {
    World world;
    world.start([](World& w) -> Task<> {
        const Mark mark(w.output, "unwound");
        co_await match<Ping>();
    });
    world.start([](World& w) -> Task<> {
        w.scheduler.quit();
        co_return;
    });
    CHECK(world.run() == "unwound");
    CHECK(world.log.empty());
}

TEST_CASE("daemons alone are told to quit", "[scheduler][quit]") {
    World world;
    world.container.start(wait_until_quit(world, 'r'));
    world.container.start(wait_until_quit(world, 'd'), {.daemon = true});
    world.start([](World& w) -> Task<> {
        w.scheduler.quit(true);
        co_return;
    });
    CHECK(world.run() == "d");
}

TEST_CASE("one that is started while the scheduler quits is not told, and ends at the end",
          "[scheduler][quit]") {
    World world;
    world.start([](World& w) -> Task<> {
        try {
            co_await match<Ping>();
        } catch (const QuitException&) {
            w.container.start(wait_until_quit(w, 'x'));
        }
        w.output += "a";
    });
    world.start([](World& w) -> Task<> {
        w.scheduler.quit();
        co_return;
    });
    CHECK(world.run() == "a");
}

TEST_CASE("quitting at once closes all without asking", "[scheduler][quit]") {
    World world;
    world.start([](World& w) -> Task<> {
        const Mark mark(w.output, "unwound");
        try {
            co_await match<Ping>();
        } catch (const QuitException&) {
            w.output += "not here";
        }
    });
    world.start([](World& w) -> Task<> {
        w.scheduler.quit();
        w.scheduler.quit_now();
        co_await do_events();
        w.output += "not here";
    });
    CHECK(world.run() == "unwound");
    SECTION("and what was on its way then does not make the next run quit") {
        world.start([](World& w) -> Task<> {
            co_await sleep(1s);
            w.output += "runs";
        });
        CHECK(world.run() == "runs");
    }
}

TEST_CASE("the scheduler may run again", "[scheduler]") {
    World world;
    const auto ping = [](World& w) -> Task<> {
        co_await sleep(1s);
        w.output += "ping ";
    };
    for (int i = 0; i != 3; ++i) {
        world.start(ping);
        CHECK(world.run() == "ping ");
    }
    CHECK(world.time() == 3s);
    CHECK(world.run().empty());  // nothing to do
}

TEST_CASE("the scheduler cannot run in itself", "[scheduler]") {
    World world;
    world.start([](World& w) -> Task<> {
        CHECK_THROWS_AS(w.scheduler.run(), std::logic_error);
        co_return;
    });
    world.run();
}

TEST_CASE("what the world throws comes out, and the scheduler may run again", "[scheduler]") {
    World world;
    world.simulation.happen(1s, [] { throw std::runtime_error("the sky falls"); });
    world.start([](World& w) -> Task<> {
        co_await sleep(2s);
        w.output += "still there";
    });
    CHECK_THROWS_AS(world.scheduler.run(), std::runtime_error);
    CHECK(world.run() == "still there");
}

TEST_CASE("an event of the highest priority goes first", "[scheduler]") {
    World world;
    world.scheduler.queue().add("high", 500, match<Ping>(2).make());
    world.start([](World& w) -> Task<> {
        w.ping(1);
        w.ping(2);
        const auto pings = match<Ping>().make();
        for (int i = 0; i != 2; ++i) {
            const auto ping = co_await pings;
            w.output += std::to_string(ping->number);
        }
    });
    CHECK(world.run() == "21");
}

TEST_CASE("calls in the scheduler's context are made when the routine waits", "[scheduler]") {
    World world;
    world.start_now([](World& w) -> Task<> {  // before it runs, too
        w.scheduler.call_in_own_context([&w](const Scheduler::Processor& processor) {
            CHECK(w.scheduler.current() == nullptr);
            w.output += "called ";
            const Ref<Ping> ping = make_event<Ping>(1);
            processor(ping);
            w.output += "delivered ";
        });
        w.output += "asked ";
        co_await match<Ping>(1);
        w.output += "received ";
    });
    CHECK(world.run() == "asked called received delivered ");
}

TEST_CASE("an exception of a call in the scheduler's context is logged", "[scheduler]") {
    World world;
    world.start([](World& w) -> Task<> {
        w.scheduler.call_in_own_context(
            [](const Scheduler::Processor&) { throw std::runtime_error("broken"); });
        co_await do_events();
        w.output += "goes on";
    });
    CHECK(world.run() == "goes on");
    CHECK(world.log ==
          std::vector<std::string>{"a call in the scheduler's context with an exception: broken"});
    world.log.clear();
}

TEST_CASE("a call that delivers events may end waiters for them, and for others", "[scheduler]") {
    World world;
    world.other = world.start([](World&) -> Task<> {
        const auto pings = match<Ping>().make();
        while (true) {
            co_await pings;
        }
    });
    world.start([](World& w) -> Task<> {
        co_await match<Ping>(1);
        w.scheduler.call_in_own_context([&w](const Scheduler::Processor& processor) {
            processor(make_event<Ping>(2));
            w.other->close();
        });
    });
    world.start([](World& w) -> Task<> {
        w.ping(1);
        co_return;
    });
    world.run();
    CHECK(world.other->ended());
}

TEST_CASE("a scheduler that goes closes what still runs", "[scheduler]") {
    std::string output;
    Simulation simulation;
    std::optional<Scheduler> scheduler(std::in_place, simulation);
    Container container(*scheduler);
    container.start(
        [](std::string& text) -> Task<> {
            const Mark mark(text, "closed");
            co_await match<Ping>();
        }(output),
        {.foreground = true});
    container.start([](std::string& text) -> Task<> {
        text += "begun";
        co_return;
    }(output));
    scheduler.reset();
    CHECK(output == "closed");
}

TEST_CASE("two schedulers in one process never meet", "[scheduler]") {
    World first;
    World second;
    first.start([](World& w) -> Task<> {
        co_await match<Ping>();
        w.output += "first";
    });
    second.start([](World& w) -> Task<> {
        w.ping();
        co_await match<Ping>();
        w.output += "second";
    });
    CHECK(second.run() == "second");
    CHECK(first.run().empty());
}
