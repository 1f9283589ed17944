#pragma once

#include <chrono>
#include <source_location>
#include <string>
#include <type_traits>
#include <utility>

#include <catch2/catch.hpp>

#include "core/event/event.h"
#include "core/run/container.h"
#include "core/run/scheduler.h"
#include "core/simulation/simulation.h"
#include "tests/support/world_on.h"

/// What most tests of routines need: a scheduler with the standard queues in a simulation, a
/// container, and a text for the notes of routines. The destructor checks that nothing is left.
namespace weir::test {

using namespace std::chrono_literals;

/// Dropped when no routine waits for it.
struct Ping : Event {
    Index<int> number;

    static auto declare() {
        return declare_event<Ping>("weir.test.Ping").index("number", &Ping::number);
    }
};

/// Blocks its queue until a routine processes it.
struct Job : Event {
    Index<int> number;

    static auto declare() {
        return declare_event<Job>("weir.test.Job").index("number", &Job::number).blocking();
    }
};

struct World : WorldOn<Simulation> {
    explicit World(SchedulerOptions options = {}) : WorldOn(std::move(options)) {}
    ~World() {
        container.close();
        CHECK(scheduler.subscribers().empty());
        CHECK(scheduler.timers().size() == 0);
        CHECK(scheduler.blocked_events().size() == 0);
        for (const Ref<Routine>& routine : scheduler.ready()) {
            CHECK((routine == nullptr || routine->ended()));
        }
        if (std::uncaught_exceptions() == 0) {
            CHECK(log == expected_log);
        }
    }

    /// Starts the coroutine function(*this, arguments...). A lambda must not capture: its captures
    /// would be destroyed before the coroutine ends.
    template <class F, class... A>
    auto begin(F function, StartOptions options, A... arguments) {
        static_assert(std::is_empty_v<F> || std::is_pointer_v<F>);
        return container.start(function(*this, arguments...), std::move(options));
    }
    template <class F>
    Ref<Routine> start(F function, StartOptions options = {}) {
        return begin(function, std::move(options));
    }
    Ref<Routine> start_now(Task<> (*function)(World&)) {
        return begin(function, {.foreground = true});
    }
    std::string run() {
        scheduler.run();
        return std::exchange(output, {});
    }
    void ping(int number = 0) { scheduler.emergency_send(make_event<Ping>(number)); }
    Duration time() { return scheduler.now().time_since_epoch(); }

    Simulation& simulation = poller;
    std::vector<std::string> expected_log;
    std::string output;
    Ref<Routine> other;  ///< for routines that need another one
    int count = 0;
};

/// Writes a text when it is destroyed. A routine that holds one thus shows when it is unwound.
class Mark {
public:
    Mark(std::string& output, const char* text) : output_(output), text_(text) {}
    Mark(const Mark&) = delete;
    Mark& operator=(const Mark&) = delete;
    ~Mark() { output_ += text_; }

private:
    std::string& output_;
    const char* text_;
};

}  // namespace weir::test
