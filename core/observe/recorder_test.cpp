#include "core/observe/recorder.h"

#include <map>
#include <optional>
#include <stdexcept>
#include <string>

#include <catch2/catch.hpp>

#include "core/run/event_handler.h"
#include "core/run/routine.h"
#include "core/wait/do_events.h"
#include "core/wait/send.h"
#include "core/wait/timeout.h"
#include "tests/support/world.h"

using namespace weir;
using namespace weir::test;

namespace {

using Kind = Recorder::Kind;

// Returns the records of jobs, of pings and of named routines, one line each, in their order.
std::string text(Recorder& recorder) {
    std::string result;
    std::map<std::uint32_t, std::string> routines{{0, "no routine"}};
    std::map<std::uint32_t, std::string> queues;
    const auto line = [&](const Recorder::Record& record, const std::string& what) {
        result += std::to_string(record.at / 1'000'000) + " ms: " + what + '\n';
    };
    for (const Recorder::Record& record : recorder.records()) {
        const std::string& named = recorder.texts().at(record.text);
        const auto name_in = [](const auto& names, std::uint32_t number) {
            const auto known = names.find(number);
            return known == names.end() ? std::string("unknown") : known->second;
        };
        const std::string routine = name_in(routines, record.routine);
        const std::string queue = name_in(queues, record.queue);
        const bool shown = named == "weir.test.Job" || named == "weir.test.Ping";
        switch (record.kind) {
            case Kind::routine:
                CHECK(!routines.contains(record.routine));
                routines[record.routine] = named;
                break;
            case Kind::queue:
                CHECK(!queues.contains(record.queue));
                queues[record.queue] = named;
                break;
            case Kind::ran:
                line(record, routine + " ran" + (shown ? " with " + named : ""));
                break;
            case Kind::ended:
                line(record, routine + " ended");
                break;
            case Kind::queued:
                if (shown) {
                    line(record, named + " of " + routine + " went into " + queue + ", now " +
                                     std::to_string(record.amount));
                }
                break;
            case Kind::popped:
                if (shown) line(record, named + " left");
                break;
            case Kind::refused:
                if (shown) line(record, named + " of " + routine + " found no place");
                break;
            case Kind::blocked:
                if (shown) line(record, named + " blocks " + queue);
                break;
            case Kind::unblocked:
                if (shown) line(record, named + " blocks no more");
                break;
            case Kind::handled:
                if (shown) line(record, named + " was handled");
                break;
            case Kind::withdrawn:
                if (shown) line(record, named + " was withdrawn by " + routine);
                break;
            case Kind::content:
                line(record, "an event says " + named);
                break;
        }
    }
    return result;
}

Task<> send_job(int number) {
    co_await send(make_event<Job>(number));
}

Task<> take_job() {
    const auto job = co_await match<Job>();
    job->set_ignorable();
}

Task<> send_ping(World& world) {
    world.ping();
    co_return;
}

Task<> start_another(World& world) {
    world.container.start(send_ping(world), {.name = "inner", .foreground = true});
    co_await sleep(1ms);
}

}  // namespace

TEST_CASE("a recorder records the runs of routines and the path of events to them", "[recorder]") {
    World world;
    world.scheduler.queue().add("jobs", 500, match<Job>().make(), {.max_default = 1});
    Recorder recorder(world.scheduler, 1000);
    world.container.start(send_job(1), {.name = "sender"});
    world.container.start(send_job(2), {.name = "second"});
    world.start(
        [](World&) -> Task<> {
            co_await sleep(5ms);
            for (int i = 0; i != 2; ++i) {
                co_await take_job();
            }
        },
        {.name = "taker"});
    world.run();
    recorder.stop();
    CHECK(text(recorder) ==
          "0 ms: weir.test.Job of sender went into root/jobs, now 1\n"
          "0 ms: sender ran\n"
          "0 ms: sender ran\n"
          "0 ms: sender ended\n"
          "0 ms: weir.test.Job of second found no place\n"
          "0 ms: second ran\n"
          "0 ms: taker ran\n"
          "0 ms: weir.test.Job left\n"
          "0 ms: weir.test.Job blocks root/jobs\n"
          "5 ms: taker ran\n"
          "5 ms: weir.test.Job blocks no more\n"
          "5 ms: weir.test.Job left\n"
          "5 ms: taker ran with weir.test.Job\n"
          "5 ms: weir.test.Job of second went into root/jobs, now 1\n"
          "5 ms: second ran\n"
          "5 ms: second ran\n"
          "5 ms: second ended\n"
          "5 ms: weir.test.Job left\n"
          "5 ms: taker ran with weir.test.Job\n"
          "5 ms: taker ran\n"
          "5 ms: taker ended\n");
    CHECK(recorder.dropped() == 0);
    CHECK(recorder.length() == 5ms);
}

TEST_CASE("a recorder records a routine that runs inside the routine that starts it",
          "[recorder]") {
    World world;
    world.start([](World& w) -> Task<> {
        // The recording begins while a routine runs that another routine has started.
        w.container.start(start_another(w), {.name = "before", .foreground = true});
        Recorder recorder(w.scheduler, 1000);
        w.container.start(start_another(w), {.name = "outer", .foreground = true});
        recorder.stop();
        w.output = text(recorder);
        co_return;
    });
    CHECK(world.run() ==
          "0 ms: weir.test.Ping of inner went into root, now 2\n"
          "0 ms: inner ran\n"
          "0 ms: inner ran\n"
          "0 ms: inner ended\n"
          "0 ms: outer ran\n"
          "0 ms: world.h:61 ran\n");
}

TEST_CASE("a recorder may begin in a foreground routine whose starter continues afterwards",
          "[recorder]") {
    World world;
    std::optional<Recorder> recorder;
    world.begin(
        [](World& w, std::optional<Recorder>* made) -> Task<> {
            w.begin(
                [](World& inside, std::optional<Recorder>* begun) -> Task<> {
                    begun->emplace(inside.scheduler, 1000U);
                    co_return;
                },
                {.name = "inner", .foreground = true}, made);
            co_await sleep(1ms);
        },
        {.name = "outer"}, &recorder);
    world.run();
    recorder->stop();
    CHECK(text(*recorder) ==
          "0 ms: inner ran\n"
          "0 ms: inner ran\n"
          "0 ms: inner ended\n"
          "0 ms: outer ran\n"
          "1 ms: outer ran\n"
          "1 ms: outer ran\n"
          "1 ms: outer ended\n");
}

TEST_CASE("a recorder records which events handlers receive", "[recorder]") {
    World world;
    EventHandler handler(world.scheduler);
    handler.handle(match<Ping>().make(), [](const Ref<Event>&) {});
    world.start([](World& w) -> Task<> {
        Recorder recorder(w.scheduler, 1000);
        w.ping();
        co_await sleep(1ms);
        recorder.stop();
        w.output = text(recorder);
    });
    CHECK_THAT(world.run(), Catch::Contains("weir.test.Ping left\n"
                                            "0 ms: weir.test.Ping was handled\n"));
}

TEST_CASE("a recorder records once for each way through a queue what an event says", "[recorder]") {
    World world;
    world.container.start(send_job(1), {.name = "early"});
    world.start([](World& w) -> Task<> {
        co_await do_events();
        // The first job is in its queue, and blocks it, before the recording begins.
        Recorder recorder(w.scheduler, 1000, [](const Event& event) {
            return event.is<Job>() ? "job " + std::to_string(event.as<Job>().number) : "";
        });
        w.container.start(send_job(2));
        w.ping();
        for (int i = 0; i != 2; ++i) {
            co_await take_job();
        }
        recorder.stop();
        w.output = text(recorder);
    });
    const std::string told = world.run();
    CHECK_THAT(told, Catch::Contains("an event says job 1\n0 ms: weir.test.Job left\n"));
    CHECK_THAT(told, Catch::Contains("an event says job 2\n0 ms: weir.test.Job of "));
    CHECK(told.find("job 1") == told.rfind("job 1"));
    CHECK(told.find("job 2") == told.rfind("job 2"));
}

TEST_CASE("what events say takes as much memory as the records at most", "[recorder]") {
    World world;
    Recorder recorder(world.scheduler, 1000, [](const Event&) {
        return std::string(sizeof(Recorder::Record) * 100, 'x');
    });
    world.start([](World& w) -> Task<> {
        for (int i = 0; i != 20; ++i) {
            w.ping(i);
            co_await do_events();
        }
    });
    world.run();
    std::size_t contents = 0;
    for (const Recorder::Record& record : recorder.records()) {
        contents += record.kind == Kind::content ? 1 : 0;
    }
    CHECK(contents == 10);
    CHECK(recorder.dropped() >= 10);
}

TEST_CASE("a full recorder counts the records that it drops", "[recorder]") {
    World world;
    Recorder recorder(world.scheduler, 20);
    world.start([](World& w) -> Task<> {
        for (int i = 0; i != 100; ++i) {
            w.ping(i);
            co_await do_events();
        }
    });
    world.run();
    CHECK(recorder.records().size() == 20);
    CHECK(recorder.dropped() > 100);
}

TEST_CASE("a recorder distinguishes queues, and routines, that had the same address",
          "[recorder]") {
    World world;
    Recorder recorder(world.scheduler, 1000);
    for (const char* name : {"first", "second"}) {
        const Ref<Queue> queue = world.scheduler.queue().add(name, 500, match<Ping>().make());
        world.container.start(send_job(1), {.name = name});
        world.ping();
        QueueSignals signals;
        world.scheduler.queue().remove(*queue, signals);
    }
    world.start([](World& w) -> Task<> {
        for (int i = 0; i != 2; ++i) {
            co_await take_job();
        }
        w.count = 1;
    });
    world.run();
    CHECK(world.count == 1);
    const std::string told = text(recorder);
    CHECK_THAT(told, Catch::Contains("weir.test.Ping of no routine went into root/first, now 1\n"));
    CHECK_THAT(told,
               Catch::Contains("weir.test.Ping of no routine went into root/second, now 1\n"));
    CHECK_THAT(told, Catch::Contains("first ended\n") && Catch::Contains("second ended\n"));
}

TEST_CASE("a scheduler has at most one recorder at a time", "[recorder]") {
    World world;
    {
        const Recorder recorder(world.scheduler, 1);
        CHECK_THROWS_AS(Recorder(world.scheduler, 1), std::logic_error);
    }
    CHECK(world.scheduler.tracer() == nullptr);
}
