#include "modules/lock/events.h"

#include <algorithm>
#include <random>
#include <set>

#include <catch2/catch.hpp>

#include "core/observe/snapshot.h"
#include "core/run/trace.h"
#include "core/wait/send.h"
#include "modules/lock/test_world.h"

using namespace weir;
using namespace weir::lock_test;

namespace {

// How a run is observed.
enum class Observed { no, traced, visited };

// A random program, the same for the same seed, that records all that it sees. With some seeds, one
// of its routines waits for the events of locks.
class RandomProgram {
public:
    RandomProgram(std::uint64_t seed, Observed observed)
        : world_(settings(), seed), observed_(observed), seed_(seed) {
        if (observed == Observed::traced) {
            world_.scheduler.set_tracer(&tracer_);
        }
        world_.start(visit(), "visit");
        if (seed % 3 == 0) {
            world_.start(receive(), "receive");
        }
        for (int i = 0; i != 14; ++i) {
            routines_.push_back(world_.start(user(i), "user " + std::to_string(i)));
        }
        world_.start(administrate(), "administrate");
        std::mt19937_64 random(seed);
        for (int i = 0; i != 4; ++i) {
            const Ref<Routine> victim = routines_[random() % routines_.size()];
            world_.simulation.happen(std::chrono::milliseconds(random() % 300), [this, victim] {
                say("close " + victim->name());
                victim->close();
            });
        }
    }

    std::vector<std::string> run() {
        world_.scheduler.run();
        say_state();
        return std::move(said_);
    }

private:
    static LockSettings settings() {
        LockSettings made;
        made.max_waiters_per_key = 8;
        made.on_deadlock = OnDeadlock::fail_youngest;
        made.contexts["own"].semaphores = {{KeyPattern("*"), 2}};
        return made;
    }

    void say(const std::string& what) {
        const auto now = world_.scheduler.now().time_since_epoch();
        said_.push_back(std::to_string(std::chrono::nanoseconds(now).count()) + " " + what);
    }
    // What is known without a visit of events.
    void say_state() {
        say("queue " + std::to_string(world_.scheduler.queue().size()) + " popped " +
            std::to_string(world_.scheduler.queue().popped()) + " blocked " +
            std::to_string(world_.scheduler.blocked_events().size()) + " held " +
            std::to_string(world_.table().holding()) + " waited for " +
            std::to_string(world_.table().waiting()) + "\n" + describe(world_.table().list()));
    }

    Task<> user(int number) {
        std::mt19937_64 random(seed_ * 100 + static_cast<std::uint64_t>(number));
        const auto below = [&random](int n) {
            return static_cast<int>(random() % static_cast<std::uint64_t>(n));
        };
        const std::string me = "user " + std::to_string(number) + ": ";
        for (int i = 0; i != 10; ++i) {
            const int key = below(3);
            const std::string context = below(3) == 0 ? "own" : "default";
            const std::string what = context + " " + std::to_string(key);
            Lock lock(world_.scheduler, std::to_string(key), context);
            bool held = false;
            try {
                switch (below(5)) {
                    case 0:
                        held = lock.try_lock();
                        break;
                    case 1:
                        held = co_await lock.lock(std::chrono::milliseconds(below(60)));
                        break;
                    case 2:
                        lock.begin_lock(world_.container);
                        co_await do_events();
                        held = lock.try_lock();
                        break;
                    default:
                        held = co_await lock.lock();
                        break;
                }
            } catch (const LockError& error) {
                say(me + error.what());
            }
            say(me + what + (held ? " held " : " not held ") + std::to_string(lock.token()));
            if (below(3) == 0) {
                say_state();
            }
            switch (below(4)) {
                case 0:
                    break;
                case 1:
                    co_await do_events();
                    break;
                default:
                    co_await sleep(std::chrono::milliseconds(below(20)));
                    break;
            }
            if (held && below(4) == 0) {
                Lock second(world_.scheduler, std::to_string(below(3)));
                try {
                    const bool both = co_await second.lock(std::chrono::milliseconds(50));
                    say(me + (both ? "has two" : "has one"));
                } catch (const LockError& error) {
                    say(me + error.what());
                }
            }
            if (below(2) == 0) {
                lock.unlock();
                say(me + "again " + (lock.try_lock() ? "held" : "not held"));
            }
        }
    }

    Task<> administrate() {
        std::mt19937_64 random(seed_ + 7);
        std::set<std::string> semaphores;
        for (int i = 0; i != 6; ++i) {
            co_await sleep(std::chrono::milliseconds(random() % 60));
            const std::string key = std::to_string(random() % 3);
            if (semaphores.insert(key).second) {
                world_.table().create_semaphore("default", key, 1 + random() % 2, 1000);
                say("created " + key);
            } else {
                semaphores.erase(key);
                co_await destroy_semaphore(world_.scheduler, key, "default");
                say("destroyed " + key);
            }
        }
    }

    // Visits the events of the queues, and those that block, from time to time.
    Task<> visit() {
        std::mt19937_64 random(seed_ + 8);
        for (int i = 0; i != 12; ++i) {
            co_await sleep(std::chrono::milliseconds(random() % 30));
            if (observed_ != Observed::visited) {
                continue;
            }
            std::size_t counted = 0;
            world_.scheduler.queue().for_each([&](Event&) { ++counted; });
            CHECK(counted == world_.scheduler.queue().size());
            CHECK(snapshot(world_.scheduler).blocked_events.size() ==
                  world_.scheduler.blocked_events().size());
        }
    }
    Task<> receive() {
        co_await sleep(std::chrono::milliseconds(seed_ % 100));
        for (int i = 0; i != 20; ++i) {
            const MatcherOf<LockEvent> any_lock = match<LockEvent>().make();
            const Ref<LockEvent> event = co_await any_lock;
            say("received " + event->context.value().describe() + event->key.value().describe());
        }
    }

    World world_;
    Tracer tracer_;
    const Observed observed_;
    const std::uint64_t seed_;
    std::vector<Ref<Routine>> routines_;
    std::vector<std::string> said_;
};

}  // namespace

TEST_CASE("at random: observing the events of locks changes nothing") {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        INFO("seed " << seed);
        const std::vector<std::string> unseen = RandomProgram(seed, Observed::no).run();
        for (const Observed observed : {Observed::traced, Observed::visited}) {
            const std::vector<std::string> seen = RandomProgram(seed, observed).run();
            for (std::size_t i = 0; i != std::min(unseen.size(), seen.size()); ++i) {
                REQUIRE(unseen[i] == seen[i]);
            }
            REQUIRE(unseen.size() == seen.size());
        }
    }
}

namespace {

Task<> hold_some(World& world, std::string key, Duration duration) {
    Lock lock(world.scheduler, key);
    co_await lock.lock();
    co_await sleep(duration);
}

std::vector<std::string> events_in(Queue& queue) {
    std::vector<std::string> events;
    queue.for_each([&](Event& event) {
        const auto& lock = event.as<LockEvent>();
        events.push_back(lock.key.value().describe() +
                         (event.blocks() != nullptr ? " blocks" : ""));
    });
    return events;
}

}  // namespace

TEST_CASE("visiting a queue of locks shows their events, ready and blocking ones") {
    World world;
    world.start(hold_some(world, "a", 1s));
    world.start(hold_some(world, "b", 1s));
    Queue& queue = *world.scheduler.queue().find("lock");
    world.simulation.happen(500ms, [&] {
        Lock ready(world.scheduler, "c");
        REQUIRE(ready.try_lock());
        CHECK(queue.size() == 3);
        CHECK(world.scheduler.blocked_events().size() == 2);
        CHECK(events_in(queue) ==
              std::vector<std::string>{"\"c\"", "\"a\" blocks", "\"b\" blocks"});
        CHECK(snapshot(world.scheduler).blocked_events.size() == 2);
    });
    world.scheduler.run();
    CHECK(queue.size() == 0);
    CHECK(world.scheduler.blocked_events().size() == 0);
}

namespace {

Task<> receive_two(std::vector<std::string>& received) {
    co_await sleep(500ms);
    const MatcherOf<LockEvent> all = match<LockEvent>().make();
    for (int i = 0; i != 2; ++i) {
        const Ref<LockEvent> event = co_await all;
        received.push_back(event->key.value().describe());
    }
}

}  // namespace

TEST_CASE("a new receiver of lock events gets those that block, in their order") {
    World world;
    std::vector<std::string> received;
    world.start(hold_some(world, "a", 1s));
    world.start(hold_some(world, "b", 1s));
    world.start(receive_two(received));
    world.scheduler.run();
    CHECK(received == std::vector<std::string>{"\"a\"", "\"b\""});
}

namespace {

class Names : public Tracer {
public:
    std::vector<std::string> said;

    void queued(const Event& event, bool) override { say("queued", event); }
    void refused(const Event& event, const Matcher&) override { say("refused", event); }
    void popped(const Event& event) override { say("popped", event); }
    void blocked(const Event& event) override { say("blocked", event); }
    void unblocked(const Event& event) override { say("unblocked", event); }

private:
    void say(const char* what, const Event& event) {
        if (event.is<LockEvent>()) {
            said.push_back(std::string(what) + ' ' + event.as<LockEvent>().key.value().describe());
        }
    }
};

}  // namespace

TEST_CASE("a tracer also sees the events of locks that were taken before it was set") {
    World world;
    Names tracer;
    world.start(hold_some(world, "a", 1s));
    world.start(hold_some(world, "a", 1s));
    world.simulation.happen(500ms, [&] { world.scheduler.set_tracer(&tracer); });
    world.scheduler.run();
    CHECK(tracer.said == std::vector<std::string>{"unblocked \"a\"", "popped \"a\"", "queued \"a\"",
                                                  "popped \"a\"", "blocked \"a\"",
                                                  "unblocked \"a\"", "popped \"a\""});
}

namespace {

Task<> send_lock_event(World& world, std::string& said) {
    // As a module does that knows nothing of the lock table.
    Lock other(world.scheduler, "other");
    REQUIRE(other.try_lock());
    LockState* const locker = nullptr;
    co_await send(make_event<LockEvent>("default", "a", locker));
    said += "sent ";
}

Task<> lock_late(World& world, std::string& said) {
    Lock lock(world.scheduler, "a");
    co_await lock.lock();
    said += "locked ";
}

}  // namespace

TEST_CASE("a sender of lock events waits in one line with the waiters for locks") {
    World world;
    std::string said;
    world.start(hold_some(world, "a", 1s));
    world.start(lock_late(world, said));
    world.start(send_lock_event(world, said));
    world.start(lock_late(world, said));
    world.scheduler.run();
    CHECK(said == "locked locked sent ");
}

namespace {

Ref<LockEvent> event_of(World& world) {
    Ref<LockEvent> found;
    world.scheduler.queue().find("lock")->for_each(
        [&](Event& event) { found = Ref<LockEvent>(&event.as<LockEvent>()); });
    return found;
}

Task<> lock_three_times(World& world, std::vector<const Event*>& events, bool keep) {
    Lock lock(world.scheduler, "a");
    std::vector<Ref<LockEvent>> kept;
    for (int i = 0; i != 3; ++i) {
        co_await lock.lock();
        co_await do_events();
        const Ref<LockEvent> event = event_of(world);
        CHECK(event->token == lock.token());
        events.push_back(event.get());
        if (keep) {
            kept.push_back(event);
        }
        lock.unlock();
        co_await sleep(1ms);
    }
    for (const Ref<LockEvent>& event : kept) {
        CHECK_FALSE(event->held);
        CHECK_FALSE(event->queued());
    }
    CHECK(kept.size() == (keep ? 3 : 0));
}

}  // namespace

TEST_CASE("code that withdraws the event of a lock takes the lock from no holder") {
    lock_test::World world;
    std::vector<std::string> said;
    world.start(hold(world, "key", 5s, "first", said));
    world.start(hold(world, "key", 10s, "second", said));
    world.start(hold(world, "key", 1s, "third", said));
    world.start([](lock_test::World& at) -> Task<> {
        co_await sleep(1s);
        Ref<Event> held;
        at.scheduler.queue().for_each([&held](Event& event) {
            if (event.is<LockEvent>() && event.blocks() != nullptr) {
                held = Ref<Event>(&event);
            }
        });
        REQUIRE(held != nullptr);
        CHECK(at.scheduler.withdraw(*held));
        CHECK_FALSE(at.scheduler.withdraw(*held));
    }(world));
    world.scheduler.run();
    CHECK(said == std::vector<std::string>{"first in", "first out", "second in", "second out",
                                           "third in", "third out"});
    CHECK(world.logged.empty());
}

TEST_CASE("a Lock takes its key again by the same event, unless an observer has kept that") {
    World world;
    std::vector<const Event*> events;
    SECTION("the same") {
        world.start(lock_three_times(world, events, false));
        world.scheduler.run();
        CHECK(std::set<const Event*>(events.begin(), events.end()).size() == 1);
    }
    SECTION("another") {
        world.start(lock_three_times(world, events, true));
        world.scheduler.run();
        CHECK(std::set<const Event*>(events.begin(), events.end()).size() == 3);
    }
    CHECK(events.size() == 3);
}
