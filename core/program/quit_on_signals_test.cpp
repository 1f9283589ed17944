#include "core/program/quit_on_signals.h"

#include <csignal>
#include <string>

#include <catch2/catch.hpp>

#include "core/run/container.h"
#include "core/run/uv_poller.h"
#include "core/wait/timeout.h"

namespace weir {
namespace {

using namespace std::chrono_literals;

struct World {
    explicit World(std::string& log)
        : scheduler(poller, {.log = [&log](const LogRecord& record) {
                        log.append(record.text).append("\n");
                    }}) {}

    UvPoller poller;
    Scheduler scheduler;
    Container container{scheduler};
    std::string done;
};

Task<> clean_up(World& world, Duration takes) {
    try {
        co_await sleep(1h);
    } catch (const QuitException&) {
        world.done += "told ";
    }
    co_await sleep(takes);
    world.done += "clean";
}

Task<> raise_signal(Duration after, int signal) {
    co_await sleep(after);
    ::raise(signal);
    co_await sleep(1h);
}

Task<> raise_signal_when_told(int signal) {
    try {
        co_await sleep(1h);
    } catch (const QuitException&) {
    }
    co_await sleep(1ms);
    ::raise(signal);
    co_await sleep(1h);
}

}  // namespace

TEST_CASE("a signal lets every routine clean up and wait while it does") {
    std::string log;
    World world(log);
    const int signal = GENERATE(SIGINT, SIGTERM);
    const QuitOnSignals quit_on_signals(world.poller, world.scheduler);
    world.container.start(clean_up(world, 1ms));
    world.container.start(raise_signal(1ms, signal));
    world.scheduler.run();
    CHECK(world.done == "told clean");
    CHECK(log == (signal == SIGINT ? "SIGINT: quits\n" : "SIGTERM: quits\n"));
}

TEST_CASE("a second signal ends the scheduler at once") {
    std::string log;
    World world(log);
    const QuitOnSignals quit_on_signals(world.poller, world.scheduler);
    const Ref<Routine> routine = world.container.start(clean_up(world, 1h));
    world.container.start(raise_signal(1ms, SIGINT));
    world.container.start(raise_signal_when_told(SIGTERM));
    world.scheduler.run();
    CHECK(routine->ended());
    CHECK(world.done == "told ");
    CHECK(log == "SIGINT: quits\nSIGTERM again: ends at once\n");
}

TEST_CASE("a scheduler that only watches signals ends") {
    std::string log;
    World world(log);
    const QuitOnSignals quit_on_signals(world.poller, world.scheduler);
    CHECK_FALSE(world.poller.poll(std::nullopt));
}

TEST_CASE("the signals have their default action after QuitOnSignals is destroyed") {
    struct sigaction before {};
    struct sigaction after {};
    ::sigaction(SIGTERM, nullptr, &before);
    {
        std::string log;
        World world(log);
        const QuitOnSignals quit_on_signals(world.poller, world.scheduler);
    }
    ::sigaction(SIGTERM, &before, &after);
    CHECK(after.sa_handler == SIG_DFL);
}

}  // namespace weir
