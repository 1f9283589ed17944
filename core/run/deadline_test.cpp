#include "core/run/deadline.h"

#include <catch2/catch.hpp>

#include "core/base/pool.h"
#include "core/observe/snapshot.h"
#include "core/run/event_handler.h"
#include "core/run/wait.h"
#include "core/wait/timeout.h"
#include "tests/support/world.h"

using namespace weir;
using namespace weir::test;
using std::chrono::seconds;

namespace {

// Waits for a ping, and no longer than its deadline.
class PingUntil final : public Wait {
public:
    PingUntil(Scheduler& scheduler, Duration time) : scheduler_(scheduler), time_(time) {}

    template <InRoutine Promise>
    void await_suspend(std::coroutine_handle<Promise> coroutine,
                       const std::source_location& at = std::source_location::current()) {
        deadline_.set(scheduler_, time_, *this);
        Wait::await_suspend(coroutine, at);
    }
    // Returns whether the ping came.
    bool await_resume() {
        deadline_.cancel();
        check_interrupted();
        return !over_;
    }
    std::span<const Matcher> matchers() const noexcept override { return {&ping_, 1}; }
    Then matched(const Ref<Event>&, Subscription&) override { return Then::resume; }
    void time_is_over() noexcept override {
        over_ = true;
        resume();
    }

private:
    Scheduler& scheduler_;
    const Duration time_;
    Matcher ping_ = match<Ping>().make();
    Deadline deadline_;
    bool over_ = false;
};

// Waits for its deadline twice, in one wait.
class Twice final : public Wait {
public:
    explicit Twice(Scheduler& scheduler) : scheduler_(scheduler) {}

    template <InRoutine Promise>
    void await_suspend(std::coroutine_handle<Promise> coroutine,
                       const std::source_location& at = std::source_location::current()) {
        deadline_.set(scheduler_, seconds(9), *this);
        deadline_.cancel();
        const pool::Bypass bypass;
        deadline_.set(scheduler_, seconds(1), *this);
        CHECK(bypass.living() == 0);
        Wait::await_suspend(coroutine, at);
    }
    int await_resume() {
        check_interrupted();
        return times_;
    }
    std::span<const Matcher> matchers() const noexcept override { return {}; }
    Then matched(const Ref<Event>&, Subscription&) override { return Then::resume; }
    void time_is_over() noexcept override {
        deadline_.cancel();
        if (++times_ == 2) {
            resume();
        } else {
            deadline_.set(scheduler_, seconds(2), *this);
        }
    }

private:
    Scheduler& scheduler_;
    Deadline deadline_;
    int times_ = 0;
};

}  // namespace

TEST_CASE("a wait ends at its deadline, without a matcher of the timer", "[deadline]") {
    World world;
    world.start([](World& w) -> Task<> {
        const Time begin = w.scheduler.now();
        const bool came = co_await PingUntil(w.scheduler, seconds(3));
        w.output += came ? "came" : "over";
        w.output += w.scheduler.now() - begin >= seconds(3) ? " in time" : " early";
    });
    CHECK(world.run() == "over in time");
}

TEST_CASE("a deadline is cancelled when its wait ends by an event", "[deadline]") {
    World world;
    world.start([](World& w) -> Task<> {
        const bool came = co_await PingUntil(w.scheduler, seconds(3));
        w.output += came ? "came" : "over";
        CHECK(w.scheduler.timers().empty());
    });
    world.start([](World& w) -> Task<> {
        w.ping(1);
        co_return;
    });
    CHECK(world.run() == "came");
}

TEST_CASE("a deadline does not end a wait that went while its event was on the way", "[deadline]") {
    World world;
    EventHandler watcher(world.scheduler);
    watcher.handle(match<TimerEvent>().make(), [&world](const Ref<Event>&) {
        world.output += "seen";
        world.other->close();
    });
    world.other = world.start([](World& w) -> Task<> {
        co_await PingUntil(w.scheduler, seconds(3));
        w.output += ", resumed";
    });
    CHECK(world.run() == "seen");
    world.other.reset();
}

TEST_CASE(
    "a deadline that was reached or cancelled may be set again, and takes no memory of its own",
    "[deadline]") {
    World world;
    world.start([](World& w) -> Task<> {
        const Time begin = w.scheduler.now();
        const int times = co_await Twice(w.scheduler);
        CHECK(times == 2);
        CHECK(w.scheduler.now() - begin == seconds(3));
        CHECK(w.scheduler.timers().empty());
    });
    world.run();
}

TEST_CASE("a snapshot counts the deadline among the timers of its routine", "[deadline]") {
    World world;
    world.start([](World& w) -> Task<> { co_await PingUntil(w.scheduler, seconds(3)); });
    world.start([](World& w) -> Task<> {
        co_await sleep(seconds(1));
        std::size_t timers = 0;
        for (const RoutineInfo& info : snapshot(w.scheduler).routines) {
            timers += info.timers;
        }
        CHECK(timers == 1);
    });
    world.run();
}
