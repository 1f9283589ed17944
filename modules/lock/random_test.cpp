#include <algorithm>
#include <array>
#include <random>
#include <set>

#include <catch2/catch.hpp>

#include "modules/lock/test_world.h"

using namespace weir;
using namespace weir::lock_test;

namespace {

constexpr int keys = 4;

// Many routines lock a few keys at random while routines are closed and semaphores created,
// resized and destroyed; what must hold is checked at every step.
class RandomRun {
public:
    explicit RandomRun(std::uint64_t seed) : world_(settings(), seed), random_(seed) {}

    void run() {
        for (int i = 0; i != 12; ++i) {
            routines_.push_back(world_.start(user()));
        }
        world_.start(administrate());
        for (int i = 0; i != 6; ++i) {
            world_.simulation.happen(milliseconds(2000), [this] { close_one(); });
        }
        world_.scheduler.run();
        CHECK(world_.table().holding() == 0);
        CHECK(world_.table().waiting() == 0);
        CHECK(world_.table().list_used().empty());
        CHECK(grants_ > 0);
        // No slot has been lost: all can be taken again.
        world_.start(take_all());
        world_.scheduler.run();
        CHECK(all_taken_);
    }

private:
    static LockSettings settings() {
        LockSettings made;
        made.max_waiters_per_key = 6;
        made.on_deadlock = OnDeadlock::fail_youngest;
        return made;
    }
    int below(int n) { return static_cast<int>(random_() % static_cast<std::uint64_t>(n)); }
    Duration milliseconds(int most) { return std::chrono::milliseconds(below(most)); }

    void close_one() {
        routines_[static_cast<std::size_t>(below(static_cast<int>(routines_.size())))]->close();
    }

    struct Holding {
        int& count;
        ~Holding() { --count; }
    };

    Task<> user() {
        for (int i = 0; i != 8; ++i) {
            const int key = below(keys);
            Lock lock(world_.scheduler, key);
            bool held = false;
            try {
                switch (below(4)) {
                    case 0:
                        held = lock.try_lock();
                        break;
                    case 1:
                        held = co_await lock.lock(milliseconds(100));
                        break;
                    case 2:
                        lock.begin_lock(world_.container);
                        co_await sleep(milliseconds(50));
                        held = lock.try_lock();
                        break;
                    default:
                        held = co_await lock.lock();
                        break;
                }
            } catch (const LockError&) {
            }
            if (held) {
                taken(key, lock);
                const Holding holding{holding_[static_cast<std::size_t>(key)]};
                co_await sleep(milliseconds(40));
                if (below(3) == 0) {
                    Lock second(world_.scheduler, below(keys));
                    try {
                        co_await second.lock(milliseconds(200));
                    } catch (const LockError&) {
                    }
                }
            }
            if (below(2) == 0) {
                co_await do_events();
            }
        }
    }
    void taken(int key, const Lock& lock) {
        CHECK(tokens_.insert(lock.token()).second);
        ++grants_;
        ++holding_[static_cast<std::size_t>(key)];
        if (holding_[static_cast<std::size_t>(key)] > largest_[static_cast<std::size_t>(key)]) {
            FAIL("more holders than slots");
        }
    }

    Task<> administrate() {
        for (int i = 0; i != 20; ++i) {
            co_await sleep(milliseconds(100));
            const int key = below(keys);
            auto& size = sizes_[static_cast<std::size_t>(key)];
            auto& largest = largest_[static_cast<std::size_t>(key)];
            const int wanted = 1 + below(3);
            largest = std::max(largest, wanted);
            LockTable& table = world_.table();
            if (size == 0) {
                table.create_semaphore("default", key, static_cast<std::size_t>(wanted), 1000);
                size = wanted;
            } else if (below(2) == 0) {
                table.resize_semaphore("default", key, static_cast<std::size_t>(wanted));
                size = wanted;
            } else {
                size = 0;
                co_await destroy_semaphore(world_.scheduler, key, "default");
            }
        }
    }

    Task<> take_all() {
        for (int key = 0; key != keys; ++key) {
            const int size = std::max(sizes_[static_cast<std::size_t>(key)], 1);
            std::vector<std::unique_ptr<Lock>> locks;
            for (int i = 0; i != size; ++i) {
                locks.push_back(std::make_unique<Lock>(world_.scheduler, key));
                const bool held = co_await locks.back()->lock(1s);
                CHECK(held);
            }
            Lock other(world_.scheduler, key);
            CHECK_FALSE(other.try_lock());
        }
        all_taken_ = true;
    }

    World world_;
    std::mt19937_64 random_;
    std::vector<Ref<Routine>> routines_;
    std::array<int, keys> holding_{};
    std::array<int, keys> sizes_{};              // of the semaphores; 0: none
    std::array<int, keys> largest_{1, 1, 1, 1};  // that a key ever had
    std::set<std::uint64_t> tokens_;
    int grants_ = 0;
    bool all_taken_ = false;
};

}  // namespace

TEST_CASE("at random: no slot is lost or granted twice, and every wait ends") {
    for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
        INFO("seed " << seed);
        RandomRun run(seed);
        run.run();
    }
}

namespace {

Task<> line_up(World& world, int number, Duration timeout, std::vector<int>& served,
               std::vector<std::uint64_t>& tokens) {
    Lock lock(world.scheduler, "key");
    if (co_await lock.lock(timeout)) {
        served.push_back(number);
        tokens.push_back(lock.token());
        co_await sleep(10ms);
    }
}

}  // namespace

TEST_CASE(
    "at random: waiters are served in order, whichever of them leave and however the size "
    "changes") {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        INFO("seed " << seed);
        World world({}, seed);
        std::mt19937_64 random(seed);
        std::vector<int> served;
        std::vector<std::uint64_t> tokens;
        std::vector<Ref<Routine>> routines;
        Semaphore semaphore(world.scheduler, "key", 1 + random() % 3);
        for (int i = 0; i != 30; ++i) {
            const Duration timeout = std::chrono::milliseconds(random() % 300);
            routines.push_back(world.start(line_up(world, i, timeout, served, tokens)));
        }
        for (int i = 0; i != 5; ++i) {
            const Ref<Routine> victim = routines[random() % routines.size()];
            world.simulation.happen(std::chrono::milliseconds(random() % 100),
                                    [victim] { victim->close(); });
        }
        world.simulation.happen(15ms, [&] { semaphore.create(); });
        world.simulation.happen(45ms, [&] { semaphore.resize(1 + random() % 3); });
        world.scheduler.run();
        CHECK(std::is_sorted(served.begin(), served.end()));
        CHECK(std::is_sorted(tokens.begin(), tokens.end()));
    }
}
