// Remote locks under all faults that servers in memory have, decided by seeds: right ones, and some
// that are wrong on purpose, which have to be caught.

#include <memory>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "core/base/sanitizer.h"
#include "modules/zookeeper/remote_locks.h"
#include "modules/zookeeper/test_contest.h"
#include "modules/zookeeper/test_world.h"

using namespace weir;
using namespace weir::zookeeper;

namespace {

constexpr Duration timeout_of_contenders = 3s;

void run_seed(std::uint64_t seed, std::size_t slots) {
    FakeWorld world(seed, options_of_seed(seed));
    std::vector<std::unique_ptr<Contender>> contenders;
    for (int i = 0; i != 4; ++i) {
        contenders.push_back(
            std::make_unique<Contender>(world, world.ensemble.options(timeout_of_contenders)));
    }
    Contested contested(slots, {});
    world.run(contend_under_faults(world, contenders, contested));
    CHECK(contested.violations() == 0);
    CHECK(contested.grants() > 0);
}

}  // namespace

TEST_CASE("under all faults a remote lock has one holder who believes so, and tokens grow") {
    for_seeds(25, [](std::uint64_t seed) { run_seed(seed, 1); });
}

TEST_CASE("under all faults a remote semaphore has no more holders than slots") {
    for_seeds(15, [](std::uint64_t seed) { run_seed(seed, 2); });
}

// --- wrong on purpose

// What the faults catch shows how good they are. The address sanitizer finds nothing more in these
// runs than in those above.
#ifndef WEIR_SANITIZE_ADDRESS

namespace {

constexpr std::uint64_t most_seeds = 100;  // in which a wrong lock is caught

// As a heartbeat would that reads: an answer seems to say that the session lives.
Task<> read_regularly(Contender& contender) {
    Session& session = contender.session;
    Scheduler& scheduler = session.scheduler();
    for (;;) {
        const BootTime asked = boot_time(scheduler.poller());
        try {
            co_await session.exists("/", scheduler.now() + timeout_of_contenders / 3);
            contender.last_read = asked;
        } catch (const Error&) {
        }
        co_await sleep(timeout_of_contenders / 6);
    }
}

// Each contender knows one server only, so that a cut takes it along.
// It wants the lock for longer than a session lives without its server.
std::size_t violations_of(std::uint64_t seed, Belief belief) {
    belief.longest_hold = 3 * timeout_of_contenders;
    FakeWorld world(seed, options_of_seed(seed));
    std::vector<std::unique_ptr<Contender>> contenders;
    for (std::size_t i = 0; i != world.ensemble.size(); ++i) {
        SessionOptions options = world.ensemble.options(timeout_of_contenders);
        options.servers = {options.servers[i]};
        contenders.push_back(std::make_unique<Contender>(world, options));
        world.container.start(read_regularly(*contenders.back()), {.daemon = true});
    }
    Contested contested(1, std::move(belief));
    world.run(contend_under_faults(world, contenders, contested));
    return contested.violations();
}

bool is_caught(const Belief& belief) {
    std::uint64_t seed = 1;
    while (seed != most_seeds && violations_of(seed, belief) == 0) {
        ++seed;
    }
    return seed != most_seeds;
}

}  // namespace

TEST_CASE("faults catch a lock whose holder takes an answered read for a sign of life") {
    Belief wrong;
    wrong.holds = [](const Claim& claim) {
        const Session& session = claim.contender.session;
        return session.id() == claim.session &&
               boot_time(session.scheduler().poller()) <
                   claim.contender.last_read + 3 * timeout_of_contenders / 4;
    };
    CHECK(is_caught(wrong));
}

TEST_CASE("faults catch a lock whose holder does not look again after the grant") {
    Belief wrong;
    wrong.holds = [](const Claim&) { return true; };
    CHECK(is_caught(wrong));
}

TEST_CASE("faults catch a lock whose tokens each process counts itself") {
    Belief wrong;
    wrong.token = [](const Claim& claim) { return ++claim.contender.last_token; };
    CHECK(is_caught(wrong));
}

TEST_CASE("faults find nothing wrong with a lock that differs from these in nothing else") {
    for (std::uint64_t seed = 1; seed != 20; ++seed) {
        INFO("seed " << seed);
        CHECK(violations_of(seed, {}) == 0);
    }
}

#endif
