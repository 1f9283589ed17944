#include "modules/lock/deadlock.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <list>
#include <random>
#include <set>

#include <catch2/catch.hpp>

#include "modules/lock/test_world.h"

using namespace weir;
using namespace weir::lock_test;

namespace {

Task<> two(World& world, std::string first, std::string second, int& ended, std::string& failed) {
    Lock a(world.scheduler, first);
    co_await a.lock();
    co_await sleep(1s);
    Lock b(world.scheduler, second);
    try {
        co_await b.lock();  // line 25
        ++ended;
    } catch (const DeadlockError& error) {
        failed = error.what();
    }
}

Task<> listen(std::vector<Deadlock>& events) {
    for (;;) {
        const MatcherOf<DeadlockEvent> deadlock = match<DeadlockEvent>().make();
        const Ref<DeadlockEvent> event = co_await deadlock;
        events.push_back(event->deadlock);
    }
}

}  // namespace

TEST_CASE("a deadlock is reported when it arises") {
    World world;
    int ended = 0;
    std::string failed;
    std::vector<Deadlock> events;
    StartOptions daemon;
    daemon.daemon = true;
    world.container.start(listen(events), daemon);
    world.start(two(world, "a", "b", ended, failed), "one");
    world.start(two(world, "b", "c", ended, failed), "two");
    world.start(two(world, "c", "a", ended, failed), "three");
    world.simulation.happen(2s, [&] {
        CHECK(events.size() == 1);
        const std::vector<Deadlock> now = world.table().deadlocks();
        REQUIRE(now.size() == 1);
        CHECK(now[0].members.size() == 3);
        CHECK(now[0].members[0].waiting == 1s);
    });
    world.scheduler.run();
    REQUIRE(events.size() == 1);
    CHECK(events[0].members.size() == 3);
    for (const DeadlockMember& member : events[0].members) {
        CHECK_THAT(member.waits_at, Catch::EndsWith("deadlock_test.cpp:25"));
    }
    REQUIRE(world.logged.size() == 1);
    CHECK_THAT(world.logged[0], Catch::StartsWith("deadlock: "));
    CHECK_THAT(world.logged[0], Catch::Contains("'one' started at ") &&
                                    Catch::Contains("deadlock_test.cpp:25 since 0 ms") &&
                                    Catch::Contains(" since 0 ms for lock 'b' in context "
                                                    "'default', held by 'two' started at "));
    CHECK(ended == 0);
}

TEST_CASE("the youngest wait of a deadlock fails if the settings say so") {
    LockSettings settings;
    settings.on_deadlock = OnDeadlock::fail_youngest;
    World world(settings);
    int ended = 0;
    std::string failed;
    world.start(two(world, "a", "b", ended, failed), "one");
    world.start(two(world, "b", "a", ended, failed), "two");
    world.scheduler.run();
    CHECK(ended == 1);
    CHECK_THAT(failed, Catch::StartsWith("deadlock: "));
    CHECK(world.table().waiting() == 0);
    CHECK(world.table().holding() == 0);
}

TEST_CASE("an owner that waits for itself is deadlocked") {
    LockSettings settings;
    settings.on_deadlock = OnDeadlock::fail_youngest;
    World world(settings);
    int ended = 0;
    std::string failed;
    world.start(two(world, "a", "a", ended, failed), "one");
    world.scheduler.run();
    CHECK(ended == 0);
    CHECK_FALSE(failed.empty());
}

TEST_CASE("an owner that waits behind a deadlock is not a part of it, and a chain is no deadlock") {
    World world;
    int ended = 0;
    std::string failed;
    SECTION("a chain") {
        world.start(two(world, "a", "b", ended, failed));
        world.start(two(world, "b", "c", ended, failed));
        world.scheduler.run();
        CHECK(ended == 2);
        CHECK(world.logged.empty());
    }
    SECTION("behind") {
        world.start(two(world, "a", "b", ended, failed), "one");
        world.start(two(world, "b", "a", ended, failed), "two");
        world.start(two(world, "x", "a", ended, failed), "behind");
        world.scheduler.run();
        REQUIRE(world.logged.size() == 1);
        CHECK_THAT(world.logged[0], !Catch::Contains("'behind'"));
    }
}

TEST_CASE("waiting for a semaphore is a deadlock only if no holder can proceed") {
    World world;
    int ended = 0;
    std::string failed;
    Semaphore semaphore(world.scheduler, "s", 2);
    semaphore.create();
    std::vector<std::string> said;
    world.start(two(world, "s", "a", ended, failed), "one");
    SECTION("one can") {
        world.start(hold(world, "s", 5s, "holder", said), "holder");
        world.start(two(world, "a", "s", ended, failed), "two");
        world.scheduler.run();
        CHECK(ended == 2);
        CHECK(world.logged.empty());
    }
    SECTION("none can") {
        world.start(two(world, "s", "a", ended, failed), "other");
        world.start(two(world, "a", "s", ended, failed), "two");
        world.scheduler.run();
        CHECK(ended == 0);
        CHECK_FALSE(world.logged.empty());
    }
}

namespace {

// Takes its own key, and waits for that of the next one.
Task<> link(World& world, int number, int next) {
    Lock own(world.scheduler, "k" + std::to_string(number));
    co_await own.lock();
    co_await sleep(std::chrono::seconds(10'000 - number));
    Lock other(world.scheduler, "k" + std::to_string(next));
    co_await other.lock();
    co_await sleep(20'000s);
}

Task<> read_and_wait(World& world, int number, int readers) {
    ReadLock read(world.scheduler, "r");
    co_await read.lock();
    co_await sleep(std::chrono::seconds(readers + number));
    Lock other(world.scheduler, "w" + std::to_string(number));
    co_await other.lock();
}

Task<> hold_and_wait_for_readers(World& world, int number) {
    Lock own(world.scheduler, "w" + std::to_string(number));
    co_await own.lock();
    co_await sleep(std::chrono::seconds(1 + number));
    Lock all(world.scheduler, "r");
    co_await all.lock();
}

}  // namespace

// Each of these took minutes when a search visited owners again and again.
TEST_CASE("each owner and key is visited once in a search, in long chains and crowded keys") {
    World world;
    SECTION("a chain that grows at its beginning") {
        constexpr int count = 2000;
        for (int i = 0; i != count; ++i) {
            world.start(link(world, i, i + 1));
        }
        world.scheduler.run();
        CHECK(world.logged.empty());
    }
    SECTION("many who read one key, and wait for those that want it alone") {
        constexpr int count = 200;
        for (int i = 0; i != count; ++i) {
            world.start(read_and_wait(world, i, count));
            world.start(hold_and_wait_for_readers(world, i));
        }
        world.scheduler.run();
        CHECK(world.logged.size() == count);
    }
}

TEST_CASE("a large deadlock of long names is told in a line of some KB, and not too often") {
    World world;
    std::vector<Deadlock> told;
    constexpr int count = 100;
    std::vector<Deadlock> events;
    StartOptions daemon;
    daemon.daemon = true;
    world.container.start(listen(events), daemon);
    int ended = 0;
    std::string failed;
    const std::string name(1000, 'x');
    for (int i = 0; i != count; ++i) {
        world.start(two(world, name + std::to_string(i), name + std::to_string((i + 1) % count),
                        ended, failed),
                    name);
    }
    // Each of these is a deadlock of its own, at the same moment.
    for (int i = 0; i != count; ++i) {
        world.start(two(world, "s" + std::to_string(i), "s" + std::to_string(i), ended, failed));
    }
    world.simulation.happen(2s, [&] { told = world.table().deadlocks(); });
    world.scheduler.run();
    CHECK(events.size() == count + 1);
    CHECK(world.logged.size() == 10);
    for (const std::string& line : world.logged) {
        CHECK(line.size() < 8000);
    }
    REQUIRE(told.size() == count + 1);
    const auto large = std::ranges::max_element(told, {}, &Deadlock::left_out);
    CHECK(large->members.size() + large->left_out == count);
    CHECK_THAT(large->describe(), Catch::EndsWith(" more waits"));
    CHECK(large->describe().size() < 8000);
}

namespace {

constexpr std::size_t most_owners = 8;
constexpr std::size_t most_keys = 6;

// Which owners hold a key, as often as they hold it, and for which key each owner waits.
struct Model {
    std::array<std::vector<std::size_t>, most_keys> holders;
    std::array<std::size_t, most_keys> sizes;
    std::array<std::size_t, most_owners> waits_for;

    // Returns the owners of each deadlock, by the definition in DeadlockDetector.
    std::set<std::set<std::size_t>> deadlocks() const {
        std::array<bool, most_owners> stuck;
        stuck.fill(true);
        for (std::size_t round = 0; round != most_owners; ++round) {
            for (std::size_t owner = 0; owner != most_owners; ++owner) {
                const std::size_t key = waits_for[owner];
                const auto stay = std::ranges::count_if(
                    holders[key], [&](std::size_t holder) { return stuck[holder]; });
                stuck[owner] = stuck[owner] && static_cast<std::size_t>(stay) >= sizes[key];
            }
        }
        std::set<std::set<std::size_t>> found;
        for (std::size_t owner = 0; owner != most_owners; ++owner) {
            std::set<std::size_t> circle = behind(owner, stuck);
            if (stuck[owner] && circle.contains(owner)) {
                found.insert(std::move(circle));
            }
        }
        return found;
    }

private:
    // Returns the stuck owners that wait for this one, directly or through others, among those for
    // which it waits.
    std::set<std::size_t> behind(std::size_t start,
                                 const std::array<bool, most_owners>& stuck) const {
        std::set<std::size_t> below{start};
        std::set<std::size_t> found;
        for (std::size_t round = 0; round != most_owners; ++round) {
            for (const std::size_t owner : std::set<std::size_t>(below)) {
                below.insert(holders[waits_for[owner]].begin(), holders[waits_for[owner]].end());
            }
        }
        for (std::size_t round = 0; round != most_owners; ++round) {
            for (const std::size_t owner : below) {
                for (const std::size_t holder : holders[waits_for[owner]]) {
                    if (stuck[owner] && (holder == start || found.contains(holder))) {
                        found.insert(owner);
                    }
                }
            }
        }
        return found;
    }
};

Task<> hold_and_wait(World& world, const Model& model, std::size_t owner) {
    std::list<Lock> locks;
    for (std::size_t key = 0; key != most_keys; ++key) {
        for (const std::size_t holder : model.holders[key]) {
            if (holder == owner) {
                Lock& lock = locks.emplace_back(world.scheduler, "k" + std::to_string(key));
                co_await lock.lock();
            }
        }
    }
    co_await sleep(1s);
    Lock& last = locks.emplace_back(world.scheduler, "k" + std::to_string(model.waits_for[owner]));
    co_await last.lock();
}

}  // namespace

TEST_CASE("at random: the deadlocks that are found are those of the definition") {
    std::size_t with_deadlocks = 0;
    for (std::uint64_t seed = 1; seed != 300; ++seed) {
        CAPTURE(seed);
        std::mt19937_64 random(seed);
        Model model;
        for (std::size_t key = 0; key != most_keys; ++key) {
            model.sizes[key] = 1 + random() % 3;
            for (std::size_t slot = 0; slot != model.sizes[key]; ++slot) {
                model.holders[key].push_back(random() % most_owners);
            }
        }
        for (std::size_t& key : model.waits_for) {
            key = random() % most_keys;
        }
        LockSettings settings;
        settings.on_deadlock = OnDeadlock::ignore;
        World world(settings);
        std::list<Semaphore> semaphores;
        for (std::size_t key = 0; key != most_keys; ++key) {
            semaphores.emplace_back(world.scheduler, "k" + std::to_string(key), model.sizes[key])
                .create();
        }
        for (std::size_t owner = 0; owner != most_owners; ++owner) {
            world.start(hold_and_wait(world, model, owner), "o" + std::to_string(owner));
        }
        std::set<std::set<std::size_t>> found;
        world.simulation.happen(2s, [&] {
            for (const Deadlock& deadlock : world.table().deadlocks()) {
                std::set<std::size_t> owners;
                for (const DeadlockMember& member : deadlock.members) {
                    owners.insert(std::stoul(member.owner.substr(member.owner.find("'o") + 2)));
                }
                found.insert(std::move(owners));
            }
        });
        world.scheduler.run();
        CHECK(found == model.deadlocks());
        with_deadlocks += found.empty() ? 0 : 1;
    }
    CHECK(with_deadlocks > 50);
}
