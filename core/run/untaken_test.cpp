// Subscribers to what no receiver has taken: Scheduler::subscribe_to_untaken.

#include <catch2/catch.hpp>

#include "core/run/event_handler.h"
#include "core/wait/timeout.h"
#include "tests/support/world.h"

using namespace weir;
using namespace weir::test;

namespace {

// Takes jobs that are left, but only those with a number below the limit.
class Remains final : public Subscriber {
public:
    explicit Remains(World& world) : Subscriber(world.scheduler), output_(world.output) {
        set_daemon(true);
        scheduler().subscribe_to_untaken(*this, match<Job>().make());
        scheduler().enlist(*this);
    }
    ~Remains() { close_at_end(); }

    int limit = 10;

private:
    void matched(const Ref<Event>& event, Subscription&) noexcept override {
        const auto& job = event->as<Job>();
        output_ += "left " + std::to_string(job.number) + " ";
        event->set_ignorable(job.number < limit);
    }
    void quit() noexcept override {}
    void close_at_end() noexcept override { scheduler().delist(*this); }

    std::string& output_;
};

void send_job(World& world, int number) {
    world.scheduler.emergency_send(make_event<Job>(number));
}

}  // namespace

TEST_CASE("what no receiver takes goes to the subscriber of what is left, in the same delivery",
          "[untaken]") {
    World world;
    Remains remains(world);
    EventHandler looks(world.scheduler);
    looks.handle(match<Job>().make(), [&world](const Ref<Event>&) { world.output += "seen "; });
    EventHandler takes(world.scheduler);
    takes.handle(match<Job>(1).make(), [](const Ref<Event>& event) { event->set_ignorable(); });
    world.start([](World& w) -> Task<> {
        send_job(w, 1);
        send_job(w, 2);
        w.ping();
        co_await sleep(1s);
        CHECK(w.scheduler.blocked_events().size() == 0);
    });
    CHECK(world.run() == "seen seen left 2 ");
}

TEST_CASE("what the subscriber of what is left does not take blocks, and comes again",
          "[untaken]") {
    World world;
    world.start([](World& w) -> Task<> {
        send_job(w, 3);
        co_await sleep(1s);
        CHECK(w.scheduler.blocked_events().size() == 1);
        Remains remains(w);  // events that have blocked before it came are left, too
        remains.limit = 0;
        co_await sleep(1s);
        CHECK(w.scheduler.blocked_events().size() == 1);
        remains.limit = 10;
        EventHandler looks(w.scheduler);
        looks.handle(match<Job>().make(), [](const Ref<Event>&) {});
        co_await sleep(1s);
        CHECK(w.scheduler.blocked_events().size() == 0);
    });
    CHECK(world.run() == "left 3 left 3 ");
}
