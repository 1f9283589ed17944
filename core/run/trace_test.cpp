#include "core/run/trace.h"

#include <catch2/catch.hpp>

#include "core/run/routine.h"
#include "core/wait/do_events.h"
#include "core/wait/send.h"
#include "core/wait/timeout.h"
#include "tests/support/world.h"

using namespace weir;
using namespace weir::test;

namespace {

// Writes what it sees of jobs and pings.
class Writer final : public Tracer {
public:
    explicit Writer(World& world) : output_(world.output) {}

    void queued(const Event& event, bool forced) override {
        write(forced ? "forced" : "queued", event);
    }
    void refused(const Event& event, const Matcher& signal) override {
        CHECK(signal.describe().starts_with("weir.QueueCanWriteEvent("));
        write("refused", event);
    }
    void popped(const Event& event) override { write("popped", event); }
    void delivered(const Event& event, const Matcher& matcher, const Subscriber& to) override {
        if (event.is<Job>() || event.is<Ping>()) {
            CHECK(matcher.matches_path(event));
            CHECK(dynamic_cast<const Routine&>(to).name() == "receiver");
            write("delivered", event);
        }
    }
    void blocked(const Event& event) override { write("blocked", event); }
    void unblocked(const Event& event) override { write("unblocked", event); }

private:
    void write(const char* what, const Event& event) {
        if (event.is<Job>() || event.is<Ping>()) {
            output_ += what + std::string(" ") + event.describe() + '\n';
        }
    }
    std::string& output_;
};

Task<> send_two(World&) {
    for (int i = 1; i != 3; ++i) {
        Ref<Event> event = make_event<Job>(i);
        co_await send(std::move(event));
    }
}

}  // namespace

TEST_CASE("a tracer sees each event on its way", "[trace]") {
    World world;
    world.scheduler.queue().add("jobs", 500, match<Job>().make(), {.max_total = 1});
    Writer writer(world);
    world.scheduler.set_tracer(&writer);
    world.container.start(send_two(world), {.name = "sender"});
    world.start(
        [](World& w) -> Task<> {
            co_await sleep(1s);
            const auto all = match<Job>().make();
            for (int i = 0; i != 2; ++i) {
                const auto job = co_await all;
                job->set_ignorable();
            }
            w.ping(1);
            co_await match<Ping>();
            w.ping(2);
        },
        {.name = "receiver"});
    CHECK(world.run() ==
          "queued weir.test.Job(number=1)\n"
          "refused weir.test.Job(number=2)\n"
          "popped weir.test.Job(number=1)\n"
          "blocked weir.test.Job(number=1)\n"
          "unblocked weir.test.Job(number=1)\n"
          "popped weir.test.Job(number=1)\n"
          "delivered weir.test.Job(number=1)\n"
          "queued weir.test.Job(number=2)\n"
          "popped weir.test.Job(number=2)\n"
          "delivered weir.test.Job(number=2)\n"
          "forced weir.test.Ping(number=1)\n"
          "popped weir.test.Ping(number=1)\n"
          "delivered weir.test.Ping(number=1)\n"
          "forced weir.test.Ping(number=2)\n"
          "popped weir.test.Ping(number=2)\n");
}

TEST_CASE("a tracer sees that a blocked event is ignored", "[trace]") {
    World world;
    world.start([](World& w) -> Task<> {
        w.scheduler.emergency_send(make_event<Job>(1));
        co_await sleep(1s);
        Writer writer(w);
        w.scheduler.set_tracer(&writer);
        w.scheduler.ignore(match<Job>().make());
        co_await do_events();
        w.scheduler.set_tracer(nullptr);
        w.ping();
    });
    CHECK(world.run() ==
          "unblocked weir.test.Job(number=1)\n"
          "popped weir.test.Job(number=1)\n");
}
