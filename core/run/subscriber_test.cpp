#include "core/run/subscriber.h"

#include <catch2/catch.hpp>

#include "core/wait/timeout.h"
#include "tests/support/world.h"

using namespace weir;
using namespace weir::test;

namespace {

// Who extends the event system may write a subscriber of his own.
class Recorder final : public Subscriber {
public:
    explicit Recorder(World& world) : Subscriber(world.scheduler), world_(world) {
        scheduler().enlist(*this);
    }
    ~Recorder() { scheduler().delist(*this); }

private:
    void matched(const Ref<Event>& event, Subscription& subscription) noexcept override {
        world_.output += event->describe() + " for " + subscription.matcher.describe() + ' ';
    }
    void quit() noexcept override {
        world_.output += "quit ";
        scheduler().delist(*this);
    }
    void close_at_end() noexcept override {
        world_.output += "end ";
        scheduler().delist(*this);
    }

    World& world_;
};

Task<> ping(World& world) {
    co_await sleep(1s);
    world.ping(1);
    co_await sleep(1s);
}

}  // namespace

TEST_CASE("a subscriber is told of events, of the end, and of quitting", "[subscriber]") {
    World world;
    Recorder recorder(world);
    recorder.set_daemon(true);
    Subscription& subscription = world.scheduler.subscribe(recorder, match<Ping>().make());
    CHECK(&subscription.subscriber() == &recorder);
    world.container.start(ping(world));
    SECTION("of the end") {
        CHECK(world.run() == "weir.test.Ping(number=1) for weir.test.Ping() end ");
    }
    SECTION("of quitting") {
        world.scheduler.quit();
        CHECK(world.run() == "quit ");
    }
    SECTION("but not once it has unsubscribed") {
        world.scheduler.unsubscribe(subscription);
        CHECK(world.run() == "end ");
    }
}

TEST_CASE("a subscriber keeps the scheduler running unless it is a daemon", "[subscriber]") {
    World world;
    Recorder recorder(world);
    CHECK_FALSE(recorder.daemon());
    world.simulation.happen(1s, [&recorder] { recorder.set_daemon(true); });
    CHECK(world.run() == "end ");
    CHECK(world.time() == 1s);
}
