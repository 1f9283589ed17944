#include "core/run/routine.h"

#include <functional>
#include <stdexcept>

#include <catch2/catch.hpp>

#include "core/run/watch.h"
#include "core/wait/do_events.h"
#include "core/wait/execute_all.h"
#include "core/wait/future.h"
#include "core/wait/rate_limiter.h"
#include "core/wait/run_in_scheduler.h"
#include "core/wait/send.h"
#include "core/wait/timeout.h"
#include "core/wait/wait_for_all.h"
#include "core/wait/wait_for_empty.h"
#include "tests/support/world.h"

using namespace weir;
using namespace weir::test;

namespace {

Task<> wait_for_ever(World& world) {
    const Mark mark(world.output, "unwound ");
    co_await match<Ping>(-1);
    world.output += "woken ";
}

Task<int> wait_for_number(World& world) {
    const Mark mark(world.output, "inner ");
    const auto event = co_await match<Ping>();
    co_return event->number.get();
}

constexpr unsigned waits_for_number_at = __LINE__ + 2;
Task<> wait_for_number_and_go(World& world) {
    co_await wait_for_number(world);
}

Task<> look_and_ping(World& world, Ref<Routine> routine, std::vector<RoutineFrame>& frames) {
    co_await do_events();
    frames = routine->frames();
    world.ping(1);
}

// Closes the routine when it is destroyed.
struct Closer {
    Ref<Routine> routine;
    ~Closer() { routine->close(); }
};
}  // namespace

TEST_CASE("of a routine that waits it is known where each of its coroutines does", "[routine]") {
    World world;
    std::vector<RoutineFrame> frames;
    const Ref<Routine> routine = world.container.start(wait_for_number_and_go(world));
    world.container.start(look_and_ping(world, routine, frames));
    world.run();
    REQUIRE(frames.size() == 2);
    CHECK(frames[0].waits_at.line() < waits_for_number_at);
    CHECK(frames[1].waits_at.line() == waits_for_number_at);
    CHECK(routine->frames().empty());
}

TEST_CASE("a routine goes on with each event that it waits for", "[routine]") {
    World world;
    world.start([](World& w) -> Task<> {
        const auto pings = match<Ping>().make();
        for (int i = 0; i != 3; ++i) {
            const auto event = co_await pings;
            w.output += std::to_string(event->number);
        }
    });
    world.start([](World& w) -> Task<> {
        for (int i = 7; i != 10; ++i) {
            w.ping(i);
        }
        co_return;
    });
    CHECK(world.run() == "789");
}

TEST_CASE("a routine knows its name and where it was started", "[routine]") {
    World world;
    const auto line = std::source_location::current().line() + 1;
    const Ref<Routine> routine = world.container.start(wait_for_ever(world), {.name = "waiter"});
    CHECK(routine->name() == "waiter");
    CHECK(routine->started_at().line() == line);
    CHECK(routine->describe() ==
          "'waiter' started at " + std::string(__FILE__) + ':' + std::to_string(line));
    CHECK(routine->container() == &world.container);
    CHECK(world.container.start(wait_for_ever(world))->describe().starts_with("a routine started"));
    world.container.close();
    CHECK(routine->container() == nullptr);
}

TEST_CASE("a routine shows what it does", "[routine]") {
    World world;
    world.other = world.start([](World& w) -> Task<> {
        CHECK(w.other->running());
        CHECK(w.other->wait() == nullptr);
        CHECK(w.scheduler.current() == w.other.get());
        co_await sleep(1s);
        co_await match<Ping>(7);
    });
    CHECK(world.other->about_to_start());
    CHECK_FALSE(world.other->running());
    world.start([](World& w) -> Task<> {
        co_await sleep(3s);
        CHECK_FALSE(w.other->running());
        CHECK_FALSE(w.other->about_to_start());
        CHECK(w.other->wait()->describe() == "weir.test.Ping(7)");
        CHECK(w.other->waiting_since().time_since_epoch() == 1s);
        w.ping(7);
    });
    world.run();
    CHECK(world.other->ended());
    CHECK(world.other->wait() == nullptr);
    CHECK(world.scheduler.current() == nullptr);
}

TEST_CASE("routines that wait for one matcher are resumed in the order of their wait",
          "[routine]") {
    World world;
    for (const char name : {'a', 'b', 'c'}) {
        world.begin(
            +[](World& w, char letter) -> Task<> {
                const auto pings = match<Ping>().make();
                while (w.output.size() < 9) {
                    co_await pings;  // waiting for the same again keeps the place
                    w.output += letter;
                }
            },
            {}, name);
    }
    world.start([](World& w) -> Task<> {
        for (int i = 0; i != 3; ++i) {
            w.ping();
        }
        co_return;
    });
    CHECK(world.run() == "abcabcabc");
}

TEST_CASE("waiting for something else between loses the place", "[routine]") {
    World world;
    world.start([](World& w) -> Task<> {
        const auto pings = match<Ping>().make();
        for (int i = 0; i != 3; ++i) {
            co_await pings;
            w.output += 'a';
            if (i == 0) {
                co_await do_events();
            }
        }
    });
    world.start([](World& w) -> Task<> {
        const auto pings = match<Ping>().make();
        for (int i = 0; i != 3; ++i) {
            co_await pings;
            w.output += 'b';
        }
    });
    world.start([](World& w) -> Task<> {
        for (int i = 0; i != 3; ++i) {
            w.ping();
            co_await sleep(1s);
        }
    });
    CHECK(world.run() == "abbaba");
}

TEST_CASE("an equal matcher that is made anew loses the place", "[routine]") {
    World world;
    world.start([](World& w) -> Task<> {
        for (int i = 0; i != 2; ++i) {
            co_await match<Ping>();
            w.output += 'a';
        }
    });
    world.start([](World& w) -> Task<> {
        const auto pings = match<Ping>().make();
        for (int i = 0; i != 2; ++i) {
            co_await pings;
            w.output += 'b';
        }
    });
    world.start([](World& w) -> Task<> {
        w.ping();
        w.ping();
        co_return;
    });
    CHECK(world.run() == "abba");
}

TEST_CASE("an exception that leaves a routine is logged and ends it alone", "[routine]") {
    World world;
    world.start(
        [](World& w) -> Task<> {
            const Mark mark(w.output, "unwound ");
            co_await match<Ping>();
            throw std::runtime_error("broken");
        },
        {.name = "bad"});
    world.start([](World& w) -> Task<> {
        co_await match<Ping>();
        w.output += "good ";
    });
    world.start([](World& w) -> Task<> {
        w.ping();
        co_return;
    });
    CHECK(world.run() == "unwound good ");
    REQUIRE(world.log.size() == 1);
    CHECK(world.log[0].starts_with("'bad' started at "));
    CHECK(world.log[0].ends_with(" ended with an exception: broken"));
    world.log.clear();
}

TEST_CASE("what a routine throws that was started in the foreground, its starter gets",
          "[routine]") {
    World world;
    world.start([](World& w) -> Task<> {
        try {
            w.start_now([](World&) -> Task<> {
                throw std::runtime_error("at once");
                co_return;
            });
        } catch (const std::runtime_error& e) {
            w.output += e.what();
        }
        co_return;
    });
    CHECK(world.run() == "at once");
}

TEST_CASE("an exception of an unknown type is logged too", "[routine]") {
    World world;
    world.start([](World&) -> Task<> {
        co_await do_events();
        throw 7;
    });
    world.run();
    REQUIRE(world.log.size() == 1);
    CHECK(world.log[0].ends_with(" ended with an exception of an unknown type"));
    world.log.clear();
}

TEST_CASE("awaiting something that is not of weir ends the routine with a clear error",
          "[routine]") {
    World world;
    world.start([](World& w) -> Task<> {
        const Mark mark(w.output, "unwound");
        co_await std::suspend_always();
    });
    CHECK(world.run() == "unwound");
    REQUIRE(world.log.size() == 1);
    CHECK(world.log[0].ends_with("it awaits something that is not of weir"));
    world.log.clear();
}

// --- closing

TEST_CASE("closing a routine unwinds it where it waits, from the inside to the outside",
          "[routine][close]") {
    World world;
    world.other = world.start_now([](World& w) -> Task<> {
        const Mark outer(w.output, "outer ");
        const Mark second(w.output, "second ");
        co_await wait_for_number(w);
    });
    world.other->close();
    CHECK(world.output == "inner second outer ");
    CHECK(world.other->ended());
    world.other->close();  // does nothing
    world.output.clear();
}

TEST_CASE("a routine is closed in every kind of wait and leaves no trace", "[routine][close]") {
    World world;
    world.scheduler.queue().add("full", 1, match<Job>().make(), {.max_total = 1});
    world.scheduler.emergency_send(make_event<Job>(1));
    using Start = Task<> (*)(World&);
    const std::vector<Start> waits = {
        [](World& w) -> Task<> {
            const Mark mark(w.output, "matcher");
            co_await match<Ping>();
        },
        [](World& w) -> Task<> {
            const Mark mark(w.output, "any matcher");
            const auto a = match<Ping>(1).make();
            const auto b = match<Ping>(2).make();
            co_await any_of(a, b);
        },
        [](World& w) -> Task<> {
            const Mark mark(w.output, "all matchers");
            std::vector<Matcher> all(3, match<Ping>().make());
            co_await wait_for_all(std::move(all));
        },
        [](World& w) -> Task<> {
            const Mark mark(w.output, "timeout");
            co_await wait_with_timeout(1s, match<Ping>().make());
        },
        [](World& w) -> Task<> {
            const Mark mark(w.output, "sleep");
            co_await sleep(1s);
        },
        [](World& w) -> Task<> {
            const Mark mark(w.output, "do_events");
            co_await do_events();
        },
        [](World& w) -> Task<> {
            const Mark mark(w.output, "send");
            Ref<Event> event = make_event<Job>(2);
            co_await send(std::move(event));
        },
        [](World& w) -> Task<> {
            const Mark mark(w.output, "run_in_scheduler");
            co_await run_in_scheduler(
                [&w](const Scheduler::Processor&) { w.output += "not called"; });
        },
        [](World& w) -> Task<> {
            const Mark mark(w.output, "future");
            const Future<int> future(w.scheduler);
            co_await future;
        },
        [](World& w) -> Task<> {
            const Mark mark(w.output, "empty queue");
            co_await wait_for_empty(Ref<Queue>(w.scheduler.queue().find("full")));
        },
        [](World& w) -> Task<> {
            const Mark mark(w.output, "inner outer of a callback");
            std::function<void(const Ref<Event>&, std::size_t)> callback = [](const Ref<Event>&,
                                                                              std::size_t) {};
            co_await with_callback(wait_for_ever(w), callback, match<Ping>(3).make());
        },
        [](World& w) -> Task<> {
            const Mark mark(w.output, "inner outer of a timeout");
            co_await execute_with_timeout(1s, wait_for_ever(w));
        },
        [](World& w) -> Task<> {
            const Mark mark(w.output, "nested scopes");
            co_await execute_with_timeout(1s, [](World& w2) -> Task<> {
                co_await with_exception(wait_for_number(w2), match<Ping>(1).make());
            }(w));
        },
        [](World& w) -> Task<> {
            const Mark mark(w.output, "side by side");
            std::vector<Task<>> tasks;
            tasks.push_back(wait_for_ever(w));
            tasks.push_back(wait_for_ever(w));
            co_await execute_all(w.container, std::move(tasks));
        },
        [](World& w) -> Task<> {
            const Mark mark(w.output, "future of a routine");
            RoutineFuture<> future(w.container, wait_for_ever(w));
            co_await future.wait_and_close();
        },
    };
    for (const Start start : waits) {
        const Ref<Routine> routine = world.start_now(start);
        REQUIRE_FALSE(routine->ended());
        routine->close();
        INFO(world.output);
        CHECK(routine->ended());
        CHECK(routine->subscriptions().empty());
        CHECK(world.scheduler.subscribers().empty());
        CHECK(world.scheduler.timers().size() == 0);
        CHECK_FALSE(world.output.empty());
        world.output.clear();
    }
    world.start([](World& w) -> Task<> {  // and what was left behind on its way does no harm
        w.scheduler.ignore(match<Job>().make());
        co_await do_events();
        w.scheduler.ignore(match<Job>().make());
    });
    CHECK(world.run().empty());
}

TEST_CASE("a routine that is closed before it begins does not begin", "[routine][close]") {
    World world;
    world.other = world.start([](World& w) -> Task<> {
        w.output += "begun";
        co_return;
    });
    world.other->close();
    CHECK(world.other->ended());
    CHECK(world.run().empty());
}

TEST_CASE("a routine that closes itself goes on to its next wait", "[routine][close]") {
    World world;
    world.start([](World& w) -> Task<> {
        const Mark mark(w.output, "unwound ");
        (co_await this_routine()).close();
        w.output += "still here ";
        co_await do_events();
        w.output += "not here ";
    });
    CHECK(world.run() == "still here unwound ");
}

TEST_CASE("a routine that closes its caller lets the caller go on to its next wait",
          "[routine][close]") {
    World world;
    world.other = world.start([](World& w) -> Task<> {
        const Mark mark(w.output, "unwound ");
        w.start_now([](World& w2) -> Task<> {
            w2.other->close();
            w2.output += "callee ";
            co_return;
        });
        w.output += "caller ";
        co_await do_events();
        w.output += "not here ";
    });
    CHECK(world.run() == "callee caller unwound ");
}

TEST_CASE("a routine is closed by a destructor that runs while another is unwound",
          "[routine][close]") {
    World world;
    world.other = world.start_now(wait_for_ever);
    const Ref<Routine> closing = world.start_now([](World& w) -> Task<> {
        const Mark mark(w.output, "outer ");
        const Closer closer{w.other};
        const Mark inner(w.output, "inner ");
        co_await match<Ping>();
    });
    SECTION("by closing it") {
        closing->close();
        CHECK(std::exchange(world.output, {}) == "inner unwound outer ");
    }
    SECTION("by closing the container, the youngest first") {
        world.container.close();
        CHECK(std::exchange(world.output, {}) == "inner unwound outer ");
    }
    SECTION("at the end of the scheduler") {
        CHECK(world.run() == "unwound inner outer ");
    }
    CHECK(closing->ended());
    CHECK(world.other->ended());
}

TEST_CASE("a routine may close itself in a destructor while it is unwound", "[routine][close]") {
    World world;
    world.other = world.start_now([](World& w) -> Task<> {
        const Mark mark(w.output, "unwound");
        Routine& routine = co_await this_routine();
        const Ref<Routine> self(&routine);
        const Closer closer{self};
        co_await match<Ping>();
    });
    world.other->close();
    CHECK(std::exchange(world.output, {}) == "unwound");
    CHECK(world.other->ended());
}

TEST_CASE("a routine may be started by a destructor while another is unwound", "[routine][close]") {
    struct Starter {
        World& world;
        ~Starter() {
            world.start([](World& w) -> Task<> {
                w.output += "started ";
                co_await match<Ping>();
            });
        }
    };
    World world;
    const auto start = [](World& w) -> Task<> {
        const Starter starter{w};
        co_await match<Ping>();
    };
    SECTION("while the scheduler runs") {
        world.other = world.start(start);
        world.start([](World& w) -> Task<> {
            co_await do_events();
            w.other->close();
            co_await do_events();
        });
        CHECK(world.run() == "started ");
    }
    SECTION("at the end: it does not begin") {
        world.start(start, {.daemon = true});
        world.start([](World&) -> Task<> { co_await do_events(); });
        CHECK(world.run().empty());
    }
}

TEST_CASE("a routine that is closed by what its own wait calls is unwound there",
          "[routine][close]") {
    World world;
    SECTION("the callback of wait_for_all") {
        world.other = world.start([](World& w) -> Task<> {
            const Mark mark(w.output, "unwound ");
            std::vector<Matcher> all;
            all.push_back(match<Ping>(1).make());
            all.push_back(match<Ping>(2).make());
            co_await wait_for_all(std::move(all), [&w](const Matched&) {
                w.other->close();
                w.output += "called ";
            });
            w.output += "not here ";
        });
    }
    SECTION("the callback of with_callback") {
        world.other = world.start([](World& w) -> Task<> {
            const Mark mark(w.output, "unwound ");
            std::function<void(const Ref<Event>&, std::size_t)> callback = [&w](const Ref<Event>&,
                                                                                std::size_t) {
                w.container.close();
                w.output += "called ";
            };
            co_await with_callback(wait_for_number(w), std::move(callback), match<Ping>(1).make());
            w.output += "not here ";
        });
    }
    SECTION("until") {
        world.scheduler.queue().add("one", 1, match<Job>().make(), {.max_total = 1});
        world.other = world.start([](World& w) -> Task<> {
            const Mark mark(w.output, "unwound ");
            Ref<Event> first = make_event<Job>(1);
            co_await send(std::move(first));
            Ref<Event> second = make_event<Job>(2);
            const bool sent = co_await send(std::move(second), [&w] {
                if (++w.count == 2) {
                    w.other->close();
                    w.output += "called ";
                }
                return false;
            });
            w.output += sent ? "sent " : "not sent ";
        });
        world.start([](World&) -> Task<> {
            co_await do_events();
            const auto event = co_await match<Job>();
            event->set_ignorable();
        });
    }
    world.start([](World& w) -> Task<> {
        co_await do_events();
        w.ping(1);
    });
    const std::string output = world.run();
    CHECK(output.starts_with("called "));
    CHECK(output.ends_with("unwound "));
    CHECK(world.other->ended());
    world.scheduler.ignore(match<Job>().make());
}

TEST_CASE("a routine that is closed by the system call that it waits for is unwound at once",
          "[routine][close]") {
    World world;
    world.other = world.start([](World& w) -> Task<> {
        const Mark mark(w.output, "unwound ");
        auto call = [&w, text = std::string("still there")](const Scheduler::Processor&) {
            w.other->close();
            w.output += text;  // what the call holds outlives the wait
        };
        co_await run_in_scheduler(std::move(call));
    });
    CHECK(world.run() == "unwound still there");
}

TEST_CASE("a routine that an event is about to reach, and that is closed, does not get it",
          "[routine][close]") {
    World world;
    world.start([](World& w) -> Task<> {
        co_await match<Ping>();
        w.other->close();
    });
    world.other = world.start([](World& w) -> Task<> {
        co_await match<Ping>();
        w.output += "woken";
    });
    world.start([](World& w) -> Task<> {
        w.ping();
        co_return;
    });
    CHECK(world.run().empty());
}

TEST_CASE("10,000 routines wait for one event", "[routine]") {
    World world;
    for (int i = 0; i != 10'000; ++i) {
        world.start([](World& w) -> Task<> {
            co_await match<Ping>(7);
            ++w.count;
        });
    }
    world.start([](World& w) -> Task<> {
        w.ping(7);
        co_return;
    });
    world.run();
    CHECK(world.count == 10'000);
}
