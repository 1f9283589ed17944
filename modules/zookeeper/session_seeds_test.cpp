// Sessions under all faults that servers in memory have, decided by seeds.

#include <memory>
#include <vector>

#include <catch2/catch.hpp>

#include "core/wait/execute_all.h"
#include "modules/zookeeper/test_faults.h"
#include "modules/zookeeper/test_world.h"

using namespace weir;
using namespace weir::zookeeper;

namespace {

constexpr int clients = 3;
constexpr int steps = 30;

struct Counts {
    int done = 0;      // acknowledged
    int in_doubt = 0;  // perhaps done
    std::string last_seen;
    bool finished = false;
};

// Adds one to the number in /counter, as often as it can: reads it, and writes it with its version.
Task<> count(Session& session, Counts& counts) {
    Scheduler& scheduler = session.scheduler();
    for (int step = 0; step != steps; ++step) {
        co_await sleep(random_time(scheduler, 500ms));
        try {
            const Node node = co_await session.get("/counter");
            const int next = std::stoi(node.data) + 1;
            co_await session.set("/counter", std::to_string(next), node.stat.version);
            ++counts.done;
        } catch (const InDoubtError&) {
            ++counts.in_doubt;
        } catch (const Error&) {
            // Another was faster, or there was no server for long: nothing was done.
        }
    }
}

// Follows /counter by watches alone until it says "end".
Task<> watch(Session& session, Counts& counts) {
    while (counts.last_seen != "end") {
        Watch watch;
        try {
            const Node node = co_await session.get("/counter", watch);
            counts.last_seen = node.data;
            if (node.data != "end") {
                co_await watch.changed();
            }
        } catch (const UnavailableError&) {
        } catch (const SessionExpiredError&) {
        } catch (const RefusedError& error) {
            // A server that lags may not know yet what another session has made.
            CHECK(error.code() == Code::no_node);
            CHECK(counts.last_seen.empty());
        }
    }
}

using Sessions = std::vector<std::unique_ptr<Session>>;

// Everything works again when the faults are over.
Task<> check_end(FakeWorld& world, Sessions& sessions, const Counts& counts) {
    for (const auto& session : sessions) {
        co_await session->connected(world.in(1min));
        co_await session->sync("/counter", world.in(1min));
    }
    const Node node = co_await sessions[0]->get("/counter");
    const int value = std::stoi(node.data);
    CHECK(value >= counts.done);
    CHECK(value <= counts.done + counts.in_doubt);
    for (bool written = false; !written;) {
        try {
            co_await sessions[0]->set("/counter", "end");
            written = true;
        } catch (const InDoubtError&) {
            // The last connection of the time of faults was found dead: written again, it is done.
        }
    }
}

Task<> run_campaign(FakeWorld& world, Sessions& sessions, Counts& counts) {
    co_await sessions[0]->create("/counter", "0");
    std::vector<Task<>> counting;
    for (const auto& session : sessions) {
        counting.push_back(count(*session, counts));
    }
    const Ref<Routine> faults = world.container.start(cause_faults(world, counts.finished));
    const Ref<Routine> watching = world.container.start(watch(*sessions[1], counts));
    co_await execute_all(world.container, std::move(counting));
    counts.finished = true;
    while (!faults->ended()) {
        co_await sleep(100ms);
    }
    co_await check_end(world, sessions, counts);
    while (!watching->ended()) {
        co_await sleep(100ms);
    }
    for (auto& session : sessions) {
        session.reset();
    }
    co_await sleep(30s);
    CHECK(world.ensemble.sessions() == 0);
    CHECK(world.ensemble.agrees());
}

void run_seed(std::uint64_t seed) {
    FakeOptions options;
    options.streams = {.most_at_once = 1 + seed % 50, .most_delay = 2ms};
    FakeWorld world(seed, options);
    Sessions sessions;
    for (int i = 0; i != clients; ++i) {
        sessions.push_back(std::make_unique<Session>(world.scheduler, world.ensemble.options(3s)));
    }
    world.ensemble.on_expiry = [&](std::int64_t id) {
        for (const auto& session : sessions) {
            const bool believed = session != nullptr && session->id() == id && session->valid();
            CHECK_FALSE(believed);
        }
    };
    Counts counts;
    world.run(run_campaign(world, sessions, counts));
    CHECK(counts.last_seen == "end");
    CHECK(counts.done > 0);
}

}  // namespace

TEST_CASE(
    "under all faults nothing acknowledged is lost, and no session is valid when it expires") {
    for_seeds(40, run_seed);
}
