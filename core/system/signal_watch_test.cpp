#include "core/system/signal_watch.h"

#include <csignal>
#include <memory>
#include <stdexcept>
#include <string>

#include <catch2/catch.hpp>

#include "core/run/uv_poller.h"
#include "core/simulation/simulation.h"
#include "core/wait/timeout.h"
#include "tests/support/world_on.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using World = test::WorldOn<UvPoller>;

Task<> count_signals(SignalWatch& watch, int wanted, int& came) {
    while (came != wanted) {
        co_await watch.next();
        ++came;
    }
}

Task<> raise_after(Duration time, int number, int times) {
    for (int i = 0; i != times; ++i) {
        co_await sleep(time);
        ::raise(number);
    }
}

}  // namespace

TEST_CASE("a routine waits for signals") {
    World world;
    SignalWatch watch(world.scheduler, SIGUSR2);
    int came = 0;
    world.container.start(count_signals(watch, 3, came));
    world.container.start(raise_after(2ms, SIGUSR2, 3));
    world.scheduler.run();
    CHECK(came == 3);
}

TEST_CASE("signals that come while no routine waits are one that is not lost") {
    World world;
    SignalWatch watch(world.scheduler, SIGUSR2);
    int came = 0;
    const auto work = [](SignalWatch& signals, int& count) -> Task<> {
        ::raise(SIGUSR2);
        ::raise(SIGUSR2);
        co_await sleep(5ms);
        co_await signals.next();
        ++count;
        const bool again = co_await execute_with_timeout(5ms, signals.next());
        count += again ? 1 : 0;
    };
    world.container.start(work(watch, came));
    world.scheduler.run();
    CHECK(came == 1);
}

TEST_CASE("each watch of a signal gets it") {
    World world;
    SignalWatch one(world.scheduler, SIGUSR2);
    SignalWatch two(world.scheduler, SIGUSR2);
    int came_to_one = 0;
    int came_to_two = 0;
    world.container.start(count_signals(one, 1, came_to_one));
    world.container.start(count_signals(two, 1, came_to_two));
    world.container.start(raise_after(2ms, SIGUSR2, 1));
    world.scheduler.run();
    CHECK(came_to_one == 1);
    CHECK(came_to_two == 1);
}

TEST_CASE("a watch that is a daemon lets the scheduler end") {
    World world;
    SignalWatch watch(world.scheduler, SIGUSR2, true);
    CHECK_FALSE(world.poller.poll(std::nullopt));
    SignalWatch another(world.scheduler, SIGUSR2);
    CHECK(world.poller.poll(Duration::zero()));
}

TEST_CASE("a signal has its default action when its last watch is destroyed") {
    World world;
    auto watch = std::make_unique<SignalWatch>(world.scheduler, SIGUSR2);
    watch.reset();
    struct sigaction action {};
    ::sigaction(SIGUSR2, nullptr, &action);
    CHECK(action.sa_handler == SIG_DFL);
}

TEST_CASE("a signal that cannot be watched is an error") {
    World world;
    CHECK_THROWS_WITH(SignalWatch(world.scheduler, SIGKILL),
                      "watching signal 9: invalid argument (EINVAL)");
    test::WorldOn<Simulation> simulated;
    CHECK_THROWS_AS(SignalWatch(simulated.scheduler, SIGUSR2), std::logic_error);
}

}  // namespace weir
