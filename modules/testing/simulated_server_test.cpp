#include "modules/testing/simulated_server.h"

#include <catch2/catch.hpp>

#include "core/run/event_handler.h"
#include "core/wait/send.h"
#include "core/wait/timeout.h"
#include "modules/system/call/json.h"
#include "modules/system/module/plugin.h"
#include "modules/testing/caught_failures.h"
#include "modules/testing/fake_modules.h"

namespace weir {

namespace {

using namespace std::chrono_literals;

struct Letter : Event {
    Index<int> number;

    static auto declare() {
        return declare_event<Letter>("weir.test.Letter")
            .index("number", &Letter::number)
            .blocking();
    }
};

// What the test module leaves behind. Each world has its own.
struct LeftBehind {
    std::unique_ptr<Container> routines;
    std::unique_ptr<EventHandler> handler;
    Timer timer;
    std::unique_ptr<Hold> hold;
    Ref<Letter> letter;
};

LeftBehind* left_behind = nullptr;

// A module that leaves behind what its functions name.
class Careless : public Module {
public:
    using Module::Module;

    static auto declare() {
        return declare_module<Careless>("careless", "Leaves things behind")
            .function("routine", "", &Careless::leave_routine)
            .function("handler", "", &Careless::leave_handler)
            .function("timer", "", &Careless::leave_timer)
            .function("event", "", &Careless::leave_event)
            .function("queue", "", &Careless::leave_queue)
            .function("hold", "", &Careless::leave_hold)
            .function("memory", "", &Careless::leave_memory)
            .function("nothing", "", &Careless::nothing);
    }

private:
    void leave_routine() {
        left_behind->routines = std::make_unique<Container>(scheduler());
        left_behind->routines->start(linger(), {.name = "lingering", .daemon = true});
    }
    static Task<> linger() { co_await match<Letter>(1); }
    void leave_handler() {
        left_behind->handler = std::make_unique<EventHandler>(scheduler());
        left_behind->handler->handle(match<Letter>(2).make(), [](const Ref<Event>&) {});
    }
    void leave_timer() { left_behind->timer = scheduler().set_timer(1h, 2h); }
    void leave_event() { scheduler().emergency_send(make_event<Letter>(3)); }
    void leave_queue() { scheduler().queue().add("forgotten", 7, match<Letter>(4).make()); }
    void leave_hold() { left_behind->hold = hold("a handle"); }
    void leave_memory() { left_behind->letter = make_event<Letter>(5); }
    void nothing() {}
};

Task<> ask_careless(std::string function) {
    auto calling = call("careless", std::move(function), {}, 1min);
    const ApiResult<Json> result = co_await calling;
    CHECK(result.ok());
}

// Returns the failures that the kit would have reported to the test framework.
template <class F>
std::string failure_of(F test) {
    LeftBehind left;
    left_behind = &left;
    std::string failure;
    {
        const CaughtFailures caught(failure);
        SimulatedServer world(R"({"server": {"startup": ["careless"]}})",
                              Registry().add<Careless>());
        test(world);
        world.finish();
        left = {};
    }
    left_behind = nullptr;
    return failure;
}

std::string failure_of_function(std::string function) {
    return failure_of([&](SimulatedServer& world) { world.run(ask_careless(function)); });
}

constexpr const char* said = "the server has ended, and there still is:\n  ";

Task<> wait_for_nothing() {
    co_await match<Letter>(6);
}

Task<> write_log(Scheduler& scheduler) {
    scheduler.log(LogLevel::info, "not of interest");
    scheduler.log(LogLevel::warning, "something is odd");
    co_return;
}

}  // namespace

TEST_CASE("a module that leaves nothing behind passes", "[testing]") {
    CHECK(failure_of_function("nothing") == "");
}

TEST_CASE("a routine that was left behind fails the test, which names the line where it waits",
          "[testing]") {
    const std::string failure = failure_of_function("routine");
    CHECK(failure.starts_with(said + std::string("the routine 'lingering' started at ")));
    CHECK(failure.find("simulated_server_test.cpp:") != std::string::npos);
    CHECK(failure.ends_with(" for weir.test.Letter(1)"));
}

TEST_CASE("handlers, timers, events and queues that were left behind fail the test", "[testing]") {
    CHECK(failure_of_function("handler") == said + std::string("a handler of "
                                                               "weir.test.Letter(2)"));
    CHECK(failure_of_function("timer") == said + std::string("a timer that is due in 1h, every "
                                                             "2h"));
    CHECK(failure_of_function("event") ==
          said + std::string("the event weir.test.Letter(number=3), which blocks the queue root"));
    CHECK(failure_of_function("queue") == said + std::string("the queue root/forgotten"));
}

TEST_CASE("holds of a module and memory that were left behind fail the test", "[testing]") {
    CHECK(failure_of_function("hold") ==
          said + std::string("the module 'careless' is not unloaded, there still is: a handle"));
    CHECK(failure_of_function("memory") ==
          said + std::string("1 blocks of the pool, as coroutines, events and matchers have"));
}

TEST_CASE("a test that does not end fails and names the line where it waits", "[testing]") {
    const std::string failure =
        failure_of([](SimulatedServer& world) { world.run(wait_for_nothing()); });
    CHECK(failure.starts_with("the test does not end: 'test' started at "));
    CHECK(failure.ends_with(" for weir.test.Letter(6)"));
}

TEST_CASE("leave_behind() switches the checks off", "[testing]") {
    CHECK(failure_of([](SimulatedServer& world) {
              world.leave_behind();
              world.run(ask_careless("timer"));
          }) == "");
}

TEST_CASE("a test can read warnings and errors", "[testing]") {
    SimulatedServer world("{}");
    world.run(write_log(world.scheduler()));
    CHECK(world.log() == "warning: something is odd\n");
}

TEST_CASE("a wrong configuration throws its problems", "[testing]") {
    CHECK_THROWS_WITH(
        SimulatedServer(R"({"server": {"startup": ["careles"]}})", Registry().add<Careless>()),
        Catch::Contains("did you mean 'careless'"));
}

// --- fake modules

namespace {

class Dependent : public Module {
public:
    using Module::Module;

    static auto declare() {
        return declare_module<Dependent>("dependent", "Needs another").depends_on("careless");
    }
};

Task<> give_up_after(Loader& loader, Duration time, std::string& what) {
    try {
        const bool loaded = co_await execute_with_timeout(time, loader.load("dependent"));
        what = loaded ? "loaded" : "it takes too long";
    } catch (const LoadException& exception) {
        what = exception.what();
    }
}

std::string loading_beside(const ModuleClass& fake_module) {
    SimulatedServer world("{}", Registry().add<Dependent>().add(fake_module));
    std::string what;
    world.run(give_up_after(world.loader(), 1min, what));
    return what;
}

}  // namespace

TEST_CASE("a fake module that fails while it loads replaces a real one", "[testing]") {
    CHECK(loading_beside(*module_that_fails("careless", "no flour")) ==
          "the module 'dependent' failed: it depends on 'careless', which failed: no flour");
}

TEST_CASE("a fake module that hangs while it loads replaces a real one", "[testing]") {
    CHECK(loading_beside(*module_that_hangs("careless")) == "it takes too long");
}

}  // namespace weir
