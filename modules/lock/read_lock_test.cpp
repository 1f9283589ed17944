// Locks to read beside those that exclude them.

#include <array>
#include <random>
#include <set>

#include <catch2/catch.hpp>

#include "modules/lock/deadlock.h"
#include "modules/lock/errors.h"
#include "modules/lock/test_world.h"

using namespace weir;
using namespace weir::lock_test;

namespace {

using Said = std::vector<std::string>;

template <class L>
Task<> hold_a(World& world, Duration duration, std::string name, Said& said,
              std::optional<Duration> timeout = {}) {
    L lock(world.scheduler, "a");
    if (!co_await lock.lock(timeout)) {
        said.push_back(name + " late");
        co_return;
    }
    said.push_back(name + " in");
    co_await sleep(duration);
    said.push_back(name + " out");
}

std::string error_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const LockError& error) {
        return std::string(error.code()) + ": " + error.what();
    }
    return "none";
}

}  // namespace

TEST_CASE("locks to read are held together, and with no other lock of the key") {
    World world;
    Said said;
    world.start(hold_a<ReadLock>(world, 2s, "r1", said));
    world.start(hold_a<ReadLock>(world, 3s, "r2", said));
    world.start(hold_a<Lock>(world, 1s, "w", said));
    world.simulation.happen(1s, [&] {
        ReadLock late(world.scheduler, "a");
        CHECK_FALSE(late.try_lock());  // a writer waits
        const LockListing listing = world.table().list().at(0);
        CHECK(listing.holding == 2);
        CHECK(listing.holders.at(1).reads);
        CHECK_FALSE(listing.waiters.at(0).reads);
        CHECK(listing.waiters.at(0).position == 1);
        CHECK_THAT(describe({listing}), Catch::Contains(" to read in context 'default'"));
    });
    world.scheduler.run();
    CHECK(said == Said{"r1 in", "r2 in", "r1 out", "r2 out", "w in", "w out"});
    CHECK(world.table().list_used().empty());
}

TEST_CASE("locks to read that stand next to each other are granted together, in order of arrival") {
    World world;
    Said said;
    const bool traced = GENERATE(false, true);
    Tracer tracer;
    world.scheduler.set_tracer(traced ? &tracer : nullptr);
    world.start(hold_a<Lock>(world, 1s, "w1", said));
    world.start(hold_a<ReadLock>(world, 1s, "r1", said));
    world.start(hold_a<ReadLock>(world, 2s, "r2", said));
    world.start(hold_a<Lock>(world, 1s, "w2", said));
    world.start(hold_a<ReadLock>(world, 1s, "r3", said));
    world.scheduler.run();
    world.scheduler.set_tracer(nullptr);
    CHECK(said == Said{"w1 in", "w1 out", "r1 in", "r2 in", "r1 out", "r2 out", "w2 in", "w2 out",
                       "r3 in", "r3 out"});
}

TEST_CASE("a waiter knows its position in the line, which changes as others are served or leave") {
    World world;
    Said said;
    LockSession session(world.scheduler, "s");
    const auto wait = [&]() -> Task<> {
        Lock lock(session, "a");
        co_await lock.lock();
        CHECK(lock.position() == 0);
    };
    world.start(hold_a<Lock>(world, 3s, "1", said));
    world.start(hold_a<Lock>(world, 3s, "2", said));
    world.start(hold_a<ReadLock>(world, 1s, "3", said, 1s));
    Lock last(world.scheduler, "a");
    CHECK(last.position() == 0);
    const auto wait_last = [&]() -> Task<> { co_await last.lock(); };
    world.start(wait_last());
    world.start(wait());
    world.simulation.happen(500ms, [&] { CHECK(last.position() == 3); });
    world.simulation.happen(2s, [&] { CHECK(last.position() == 2); });
    world.simulation.happen(4s, [&] { CHECK(last.position() == 1); });
    const auto end = [&]() -> Task<> {
        co_await sleep(7s);
        CHECK(last.position() == 0);
        CHECK(last.locked());
        CHECK(world.table().list().at(0).waiters.at(0).position == 1);
        last.unlock();
    };
    world.start(end());
    world.scheduler.run();
    CHECK(said.size() == 5);
}

TEST_CASE("readers join those that hold the key when the writer between them leaves the line") {
    World world;
    Said said;
    world.start(hold_a<ReadLock>(world, 5s, "r1", said));
    world.start(hold_a<Lock>(world, 1s, "w", said, 1s));
    world.start(hold_a<ReadLock>(world, 1s, "r2", said));
    world.start(hold_a<ReadLock>(world, 1s, "r3", said));
    world.scheduler.run();
    CHECK(said == Said{"r1 in", "w late", "r2 in", "r3 in", "r2 out", "r3 out", "r1 out"});
}

TEST_CASE("a reader takes its lock again at once while others read") {
    World world;
    int taken = 0;
    const auto again = [&]() -> Task<> {
        ReadLock lock(world.scheduler, "a");
        for (; taken != 10; ++taken) {
            co_await lock.lock();
            lock.unlock();
        }
    };
    Said said;
    world.start(hold_a<ReadLock>(world, 1s, "r", said));
    world.start(again());
    world.simulation.happen(500ms, [&] { CHECK(taken == 10); });
    world.scheduler.run();
    CHECK(said.size() == 2);
}

TEST_CASE(
    "a routine that reads and asks for the exclusive lock is told that it would wait for ever") {
    World world;
    std::string error;
    const auto upgrade = [&]() -> Task<> {
        ReadLock reading(world.scheduler, "a");
        co_await reading.lock();
        Lock writing(world.scheduler, "a");
        CHECK_FALSE(writing.try_lock());
        bool held = co_await writing.lock(0s);
        CHECK_FALSE(held);
        try {
            co_await writing.lock();
        } catch (const UpgradeRefused& refused) {
            error = refused.what();
        }
        reading.unlock();
        held = co_await writing.lock(1s);
        CHECK(held);
    };
    world.start(upgrade(), "upgrader");
    world.scheduler.run();
    CHECK_THAT(error, Catch::StartsWith("lock 'a' in context 'default': 'upgrader' started at ") &&
                          Catch::EndsWith(" holds it to read, and would wait for itself: give that "
                                          "back first"));
    CHECK(world.table().list_used().empty());
}

TEST_CASE(
    "a session reads, is refused the exclusive lock meanwhile, and may read what it excludes") {
    World world;
    LockSession a(world.scheduler, "a");
    LockSession b(world.scheduler, "b");
    CHECK(a.try_acquire("key", "default", LockMode::read));
    CHECK(b.try_acquire("key", "default", LockMode::read));
    for (const LockMode mode : {LockMode::exclusive, LockMode::by_key}) {
        CHECK(error_of([&] { a.try_acquire("key", "default", mode); }) ==
              "upgrade_refused: lock 'key' in context 'default': this session holds it to read, or "
              "waits for that: it has to give that back first");
    }
    CHECK(a.release("key"));
    CHECK(b.release("key"));
    const auto exclude = [&]() -> Task<> {
        const auto token = co_await a.acquire("key", "default", 1s, LockMode::exclusive);
        CHECK(a.try_acquire("key", "default", LockMode::read) == token);
        CHECK_FALSE(b.try_acquire("key", "default", LockMode::read));
    };
    world.start(exclude());
    world.scheduler.run();
    CHECK(a.release("key"));
    CHECK_FALSE(a.release("key"));
}

TEST_CASE("on a key with a semaphore a session cannot read, and a routine takes a slot") {
    World world;
    world.table().create_semaphore_of_client("default", "key", 1, "client 7");
    LockSession session(world.scheduler, "a");
    CHECK(error_of([&] {
              session.try_acquire("key", "default", LockMode::read);
          }).starts_with("not_exclusive: "));
    ReadLock first(world.scheduler, "key");
    ReadLock second(world.scheduler, "key");
    CHECK(first.try_lock());
    CHECK_FALSE(second.try_lock());
}

TEST_CASE("a semaphore that is made while locks are held to read counts them, and ends so") {
    World world;
    Semaphore semaphore(world.scheduler, "a", 2);
    Said said;
    const auto test = [&]() -> Task<> {
        co_await sleep(1s);
        semaphore.create();
        Lock slot(world.scheduler, "a");
        CHECK_FALSE(slot.try_lock());
        co_await semaphore.destroy();
        CHECK_FALSE(slot.try_lock());
        ReadLock third(world.scheduler, "a");
        CHECK(third.try_lock());
    };
    world.start(hold_a<ReadLock>(world, 2s, "r1", said));
    world.start(hold_a<ReadLock>(world, 2s, "r2", said));
    world.start(test());
    world.scheduler.run();
    CHECK(world.table().list_used().empty());
    Lock after(world.scheduler, "a");
    CHECK(after.try_lock());
}

TEST_CASE("a deadlock through locks to read is found, and one that readers can join is none") {
    LockSettings settings;
    settings.on_deadlock = OnDeadlock::fail_youngest;
    World world(settings);
    std::string error;
    const auto reads_then_b = [&](bool excludes) -> Task<> {
        ReadLock a(world.scheduler, "a");
        co_await a.lock();
        co_await sleep(1s);
        Lock b(world.scheduler, "b");
        ReadLock also_b(world.scheduler, "b");
        co_await (excludes ? b : also_b).lock();
        co_await sleep(1s);
    };
    const auto reads_b_then_a = [&]() -> Task<> {
        ReadLock b(world.scheduler, "b");
        co_await b.lock();
        co_await sleep(2s);
        Lock a(world.scheduler, "a");
        try {
            co_await a.lock();
        } catch (const DeadlockError& deadlock) {
            error = deadlock.what();
        }
    };
    const bool excludes = GENERATE(true, false);
    world.start(reads_then_b(excludes), "one");
    world.start(reads_then_b(false), "two");
    world.start(reads_b_then_a(), "three");
    world.scheduler.run();
    if (excludes) {
        CHECK_THAT(error, Catch::Contains("'one'") && Catch::Contains("'three'"));
    } else {
        CHECK(error.empty());
    }
    CHECK(world.table().deadlocks().empty());
}

TEST_CASE("a reader that asks to read again behind a writer is a deadlock of its own") {
    World world;
    Said said;
    const auto twice = [&]() -> Task<> {
        ReadLock first(world.scheduler, "a");
        co_await first.lock();
        co_await sleep(1s);
        ReadLock second(world.scheduler, "a");
        const bool held = co_await second.lock(1s);
        CHECK_FALSE(held);
    };
    world.start(twice());
    world.start(hold_a<Lock>(world, 1s, "w", said));
    world.scheduler.run();
    REQUIRE(world.logged.size() == 1);
    CHECK_THAT(world.logged[0], Catch::StartsWith("deadlock: "));
    CHECK(said == Said{"w in", "w out"});
}

namespace {

// Routines that read and write a few keys at random, give up, and are closed. A model of the line
// of each key says who may hold it.
class ReadersAndWriters {
public:
    explicit ReadersAndWriters(std::uint64_t seed) : world_({}, seed), random_(seed) {}

    void run() {
        for (int i = 0; i != 12; ++i) {
            routines_.push_back(world_.start(user()));
        }
        for (int i = 0; i != 4; ++i) {
            world_.simulation.happen(milliseconds(400),
                                     [this] { routines_[below(routines_.size())]->close(); });
        }
        world_.scheduler.run();
        CHECK(world_.table().list_used().empty());
        CHECK(grants_ > 20);
    }

private:
    struct Key {
        std::set<int> waiting;
        std::set<int> reading;
        std::set<int> writing;
    };
    // A wait, then a hold, as long as it exists.
    struct Entry {
        Entry(Key& k, int n) : key(k), number(n) { key.waiting.insert(number); }
        Entry(const Entry&) = delete;
        Entry& operator=(const Entry&) = delete;
        ~Entry() {
            key.waiting.erase(number);
            key.reading.erase(number);
            key.writing.erase(number);
        }
        Key& key;
        const int number;  // of its arrival
    };

    std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_() % n); }
    Duration milliseconds(std::size_t most) { return std::chrono::milliseconds(below(most)); }

    Task<> user() {
        for (int i = 0; i != 10; ++i) {
            co_await sleep(milliseconds(20));
            const std::size_t which = below(keys_.size());
            const bool reads = below(3) != 0;
            Lock writing(world_.scheduler, which);
            ReadLock reading(world_.scheduler, which);
            Lock& lock = reads ? reading : writing;
            const Entry entry(keys_[which], ++arrivals_);
            readers_.resize(static_cast<std::size_t>(arrivals_) + 1);
            readers_[static_cast<std::size_t>(arrivals_)] = reads;
            const bool held =
                below(2) == 0 ? co_await lock.lock(milliseconds(30)) : co_await lock.lock();
            if (held) {
                granted(entry, reads);
                co_await sleep(milliseconds(20));
            }
        }
    }

    void granted(const Entry& entry, bool reads) {
        ++grants_;
        Key& key = entry.key;
        key.waiting.erase(entry.number);
        for (const int other : key.waiting) {
            const bool before = other < entry.number;
            // One that is granted at this moment too may not have run yet.
            if (before && !(reads && readers_[static_cast<std::size_t>(other)])) {
                FAIL("a waiter was overtaken");
            }
        }
        if (!key.writing.empty() || (!reads && !key.reading.empty())) {
            FAIL("a lock was not exclusive");
        }
        (reads ? key.reading : key.writing).insert(entry.number);
    }

    World world_;
    std::mt19937_64 random_;
    std::vector<Ref<Routine>> routines_;
    std::array<Key, 2> keys_;
    std::vector<bool> readers_;
    int arrivals_ = 0;
    int grants_ = 0;
};

}  // namespace

TEST_CASE("at random: readers share, writers exclude, no waiter is overtaken and every wait ends") {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        INFO("seed " << seed);
        ReadersAndWriters run(seed);
        run.run();
    }
}
