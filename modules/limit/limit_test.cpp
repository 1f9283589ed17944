#include "modules/limit/limit.h"

#include <cstdio>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "core/program/standard_queues.h"
#include "core/run/container.h"
#include "core/run/routine.h"
#include "core/simulation/simulation.h"
#include "core/wait/timeout.h"

namespace weir::limit {

using namespace std::chrono_literals;

namespace {

struct World {
    explicit World(LimitRules rules) {
        add_standard_queues(scheduler.queue());
        limit = Ref<Limit>(new Limit(scheduler, "users", std::move(rules)));
    }

    double seconds() {
        return std::chrono::duration<double>(scheduler.now().time_since_epoch()).count();
    }
    // Takes a ticket, notes its key and the time, and keeps the ticket for a while.
    Task<> use(std::string key, Duration time, std::uint32_t tokens = 1, int priority = 5) {
        try {
            const std::unique_ptr<Ticket> ticket =
                co_await Limit::take(limit, key, tokens, priority);
            note(key);
            co_await sleep(time);
        } catch (const LimitReached& refusal) {
            note(key + "!");
            refused = refusal.what();
            retry_after = refusal.retry_after();
        }
    }
    void note(const std::string& what) {
        char time[32];
        std::snprintf(time, sizeof(time), "@%g ", seconds());
        story += what + time;
    }
    void start(Task<> task) { container.start(std::move(task)); }
    void expect_idle() const {
        CHECK(limit->in_use() == 0);
        CHECK(limit->waiting() == 0);
    }

    Simulation simulation;
    Scheduler scheduler{simulation, {.queue = standard_root()}};
    Ref<Limit> limit;
    std::string story;
    std::string refused;
    std::optional<Duration> retry_after;
    Container container{scheduler};
};

LimitRules rules(KeyRules keys, std::size_t in_all = 0, Duration wait = 1h) {
    LimitRules made;
    made.keys = keys;
    made.in_all = in_all;
    made.wait = wait;
    return made;
}

constexpr KeyRules two_a_second = {.per_second = 2, .burst = 3};
constexpr KeyRules one_at_once = {.at_once = 1};

}  // namespace

TEST_CASE("each key has a burst, and then so much per second") {
    World w(rules(two_a_second));
    for (const char* key : {"a", "a", "a", "a", "a", "b"}) {
        w.start(w.use(key, 0s));
    }
    w.scheduler.run();
    CHECK(w.story == "a@0 a@0 a@0 b@0 a@0.5 a@1 ");
    w.expect_idle();
}

TEST_CASE("each key has so many tickets at a time, in FIFO order") {
    World w(rules({.at_once = 2}));
    for (const char* key : {"a", "a", "a", "a", "a", "b"}) {
        w.start(w.use(key, 1s));
    }
    w.scheduler.run();
    CHECK(w.story == "a@0 a@0 b@0 a@1 a@1 a@2 ");
    w.expect_idle();
}

TEST_CASE("keys take turns when all together have no more tickets") {
    World w(rules({}, 1));
    for (const char* key : {"a", "a", "a", "b", "b", "c"}) {
        w.start(w.use(key, 1s));
    }
    w.scheduler.run();
    CHECK(w.story == "a@0 a@1 b@2 c@3 a@4 b@5 ");
    w.expect_idle();
}

TEST_CASE("a higher priority goes first, within its key and among all") {
    World w(rules({}, 1));
    w.start(w.use("a", 1s));
    w.start(w.use("a", 1s, 1, 1));
    w.start(w.use("b", 1s, 1, 5));
    w.start(w.use("a", 1s, 1, 9));
    w.scheduler.run();
    CHECK(w.story == "a@0 a@1 b@2 a@3 ");
}

TEST_CASE("a key that waits for tokens or for its own tickets delays no other") {
    World w(rules({.per_second = 1, .burst = 1, .at_once = 1}, 2));
    for (const char* key : {"a", "a", "b", "c"}) {
        w.start(w.use(key, 500ms));
    }
    w.scheduler.run();
    CHECK(w.story == "a@0 b@0 c@0.5 a@1 ");
}

TEST_CASE("a caller that does not want to wait is refused, and learns when tokens come") {
    World w(rules(two_a_second, 0, 0s));
    for (int i = 0; i != 4; ++i) {
        w.start(w.use("a", 0s));
    }
    w.scheduler.run();
    CHECK(w.story == "a@0 a@0 a@0 a!@0 ");
    CHECK(w.refused == "the limit 'users' lets 'a' do no more now; its next comes in 500ms");
    REQUIRE(w.retry_after);
    CHECK(*w.retry_after >= 499ms);
    CHECK(*w.retry_after <= 501ms);
    CHECK(w.limit->taken() == 3);
    CHECK(w.limit->refused() == 1);
}

TEST_CASE("a caller waits as long as it says, and takes nothing after that") {
    World w(rules(one_at_once, 0, 2s));
    w.start(w.use("a", 3s));
    w.start(w.use("a", 3s));
    w.scheduler.run();
    CHECK(w.story == "a@0 a!@2 ");
    CHECK(w.refused == "the limit 'users' lets 'a' do no more now, not within 2s");
    CHECK_FALSE(w.retry_after);
    w.expect_idle();
}

TEST_CASE("so many wait for a key, and for all keys, and no more") {
    LimitRules given = rules(one_at_once);
    given.waiting = 1;
    given.waiting_in_all = 2;
    World w(given);
    for (const char* key : {"a", "a", "a", "b", "b", "c", "c"}) {
        w.start(w.use(key, 1s));
    }
    w.scheduler.run();
    CHECK(w.story == "a@0 a!@0 b@0 c@0 c!@0 a@1 b@1 ");
    CHECK(w.refused == "the limit 'users' lets no more wait");
    w.expect_idle();
}

TEST_CASE("a waiter that is closed has taken nothing, and the next one has its turn") {
    World w(rules(one_at_once));
    w.start(w.use("a", 2s));
    const Ref<Routine> closed = w.container.start(w.use("a", 1s));
    w.start(w.use("a", 1s));
    w.simulation.happen(1s, [&] { closed->close(); });
    w.scheduler.run();
    CHECK(w.story == "a@0 a@2 ");
    w.expect_idle();
}

TEST_CASE("keys that fit a pattern have other rules") {
    LimitRules given = rules(one_at_once);
    given.exceptions.emplace_back(Glob("team:*"), KeyRules{.at_once = 2});
    World w(given);
    for (const char* key : {"ann", "ann", "team:1", "team:1"}) {
        w.start(w.use(key, 1s));
    }
    w.scheduler.run();
    CHECK(w.story == "ann@0 team:1@0 team:1@0 ann@1 ");
}

TEST_CASE("new rules hold for those that wait") {
    World w(rules(one_at_once));
    for (int i = 0; i != 3; ++i) {
        w.start(w.use("a", 10s));
    }
    w.simulation.happen(1s, [&] { w.limit->change(rules({.at_once = 3})); });
    w.scheduler.run();
    CHECK(w.story == "a@0 a@1 a@1 ");
    World slow(rules({.per_second = 0.01, .burst = 1}));
    slow.start(slow.use("a", 0s));
    slow.start(slow.use("a", 0s));
    slow.simulation.happen(1s, [&] { slow.limit->change(rules({.per_second = 1, .burst = 1})); });
    slow.scheduler.run();
    CHECK(slow.story == "a@0 a@1.99 ");
}

TEST_CASE("keys are forgotten when they are as new, and there are never more than the rules say") {
    LimitRules given = rules({.per_second = 1, .burst = 1}, 0, 0s);
    given.max_keys = 3;
    World w(given);
    for (const char* key : {"a", "b", "c", "d"}) {
        w.start(w.use(key, 0s));
    }
    w.scheduler.run();
    CHECK(w.story == "a@0 b@0 c@0 d!@0 ");
    CHECK(w.refused == "the limit 'users' has 3 keys already");
    const auto use_later = [&]() -> Task<> {
        co_await sleep(2s);
        Task<> using_it = w.use("e", 0s);
        co_await using_it;
    };
    w.container.start(use_later());
    w.scheduler.run();
    CHECK(w.limit->keys() == 2);  // c and e
}

TEST_CASE("a key whose bucket fills slowly keeps no other from being forgotten") {
    LimitRules given = rules({.per_second = 1, .burst = 1}, 0, 0s);
    given.exceptions.emplace_back(Glob("slow"), KeyRules{.per_second = 0.001, .burst = 1});
    given.max_keys = 3;
    World w(given);
    for (const char* key : {"slow", "a", "b"}) {
        w.start(w.use(key, 0s));
    }
    const auto use_later = [&]() -> Task<> {
        co_await sleep(2s);
        Task<> using_it = w.use("c", 0s);
        co_await using_it;
        Task<> too_soon = w.use("slow", 0s);
        co_await too_soon;
    };
    w.container.start(use_later());
    w.scheduler.run();
    CHECK(w.story == "slow@0 a@0 b@0 c@2 slow!@2 ");
    CHECK(w.limit->keys() == 2);  // slow and c
}

TEST_CASE("more tokens than a bucket holds are a mistake") {
    World w(rules(two_a_second));
    std::string mistake;
    const auto test = [&]() -> Task<> {
        try {
            static_cast<void>(co_await Limit::take(w.limit, "a", 4));
        } catch (const std::invalid_argument& error) {
            mistake = error.what();
        }
    };
    w.container.start(test());
    w.scheduler.run();
    CHECK(mistake == "the limit 'users' gives at most 3 tokens at a time");
    w.expect_idle();
}

namespace {

class Counted {
public:
    explicit Counted(std::size_t& count) noexcept : count_(count) { ++count_; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    ~Counted() { --count_; }

private:
    std::size_t& count_;
};

// Takes tickets at random and looks, with each, whether any rule is broken.
struct RandomUse {
    RandomUse(World& of_world, unsigned seed) : world(of_world), random(seed) {}

    Task<> go(std::string key, int priority) {
        for (int i = 0; i != 20; ++i) {
            co_await sleep(std::chrono::milliseconds(random() % 500));
            const Duration wait = std::chrono::milliseconds(random() % 2000);
            try {
                const std::unique_ptr<Ticket> ticket =
                    co_await Limit::take(world.limit, key, 1, priority, wait);
                const Counted of_key(out[key]);
                const Counted of_all(all);
                broken = broken || out[key] > 2 || all > 3 || world.limit->in_use() < all;
                co_await sleep(std::chrono::milliseconds(random() % 300));
            } catch (const LimitReached&) {
                ++refused;
            }
        }
    }

    World& world;
    std::mt19937 random;
    std::map<std::string, std::size_t> out;
    std::size_t all = 0;
    std::uint64_t refused = 0;
    bool broken = false;
};

}  // namespace

TEST_CASE("whatever happens, no rule is broken and no ticket is lost") {
    for (unsigned seed = 1; seed <= 20; ++seed) {
        World w(rules({.per_second = 3, .burst = 4, .at_once = 2}, 3));
        RandomUse use(w, seed);
        for (int i = 0; i != 30; ++i) {
            const Ref<Routine> routine =
                w.container.start(use.go("key " + std::to_string(i % 7), i % Limit::priorities));
            if (i % 5 == 0) {
                w.simulation.happen(std::chrono::seconds(i), [routine] { routine->close(); });
            }
        }
        w.scheduler.run();
        INFO("seed " << seed);
        CHECK_FALSE(use.broken);
        CHECK(w.limit->refused() == use.refused);
        w.expect_idle();
    }
}

}  // namespace weir::limit
