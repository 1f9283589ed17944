#include "core/trace.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "core/event_handler.h"
#include "core/scheduler.h"
#include "core/simulation.h"
#include "tests/support/queue_events.h"

namespace weir {

namespace {

// Writes down what it sees of jobs.
class Recorder : public Tracer {
public:
    void queued(const Event& event, bool forced) override {
        record(forced ? "forced" : "queued", event);
    }
    void refused(const Event& event, const Matcher& signal) override {
        CHECK(signal);
        record("refused", event);
    }
    void popped(const Event& event) override { record("popped", event); }
    void delivered(const Event& event, const Matcher& matcher, const Subscriber&) override {
        CHECK(matcher.matches_path(event));
        record("delivered", event);
    }
    void blocked(const Event& event) override { record("blocked", event); }
    void unblocked(const Event& event) override { record("unblocked", event); }

    std::vector<std::string> seen;

private:
    void record(const std::string& what, const Event& event) {
        if (event.is<test::Job>()) {
            seen.push_back(what + ' ' + std::to_string(test::id_of(event)));
        }
    }
};

}  // namespace

TEST_CASE("A tracer that overrides nothing sees all and does nothing", "[trace]") {
    Simulation simulation;
    Scheduler scheduler(simulation);
    Tracer tracer;
    scheduler.set_tracer(&tracer);
    scheduler.queue().add("full", 0, match<test::Job>().make(), {.max_default = 1});
    CHECK_FALSE(scheduler.try_send(test::job("a", 1, 1)));
    CHECK(scheduler.try_send(test::job("a", 1, 2)));
    scheduler.run();
}

TEST_CASE("A tracer sees each event that is sent, refused, popped, blocked and let go", "[trace]") {
    Simulation simulation;
    Scheduler scheduler(simulation);
    Recorder recorder;
    scheduler.set_tracer(&recorder);
    scheduler.queue().add("jobs", 5, match<test::Job>().make(), {.max_default = 2});
    EventHandler handler(scheduler, false);
    handler.handle(match<test::Job>(any, 2).make(), [](const Ref<Event>&) {});
    handler.handle(match<test::PlainJob>().make(),
                   [&](const Ref<Event>&) { scheduler.ignore(match<test::Job>().make()); });

    const auto first = test::job("a", 1, 1);
    first->set_ignorable(false);
    scheduler.try_send(first);
    scheduler.try_send(test::job("a", 2, 2));
    scheduler.try_send(test::job("a", 3, 3));
    scheduler.emergency_send(test::job("a", 4, 4));
    scheduler.try_send(make_event<test::PlainJob>());
    scheduler.run();
    CHECK(recorder.seen == std::vector<std::string>{"queued 1", "queued 2", "refused 3", "forced 4",
                                                    "popped 1", "blocked 1", "unblocked 1",
                                                    "popped 1", "popped 2", "delivered 2",
                                                    "popped 4"});
}

TEST_CASE("A blocking event that its receiver sends again is queued, not blocked", "[trace]") {
    Simulation simulation;
    Scheduler scheduler(simulation);
    Recorder recorder;
    scheduler.set_tracer(&recorder);
    EventHandler handler(scheduler, false);
    int times = 0;
    handler.handle(match<test::Job>().make(), [&](const Ref<Event>& event) {
        if (++times == 3) {
            event->set_ignorable();
        } else {
            scheduler.emergency_send(event);
        }
    });
    const auto event = test::job("a", 1, 1);
    event->set_ignorable(false);
    scheduler.try_send(event);
    scheduler.run();
    CHECK(recorder.seen == std::vector<std::string>{"queued 1", "popped 1", "delivered 1",
                                                    "forced 1", "popped 1", "delivered 1",
                                                    "forced 1", "popped 1", "delivered 1"});
}

}  // namespace weir
