#include "core/wait/task_pool.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "core/run/container.h"
#include "core/run/uv_poller.h"
#include "core/simulation/simulation.h"
#include "core/wait/timeout.h"
#include "tests/support/world_on.h"

namespace weir {
namespace {

using namespace std::chrono_literals;

template <class P>
using Program = test::WorldOn<P>;

// Threads wait at the gate until it is opened.
class Gate {
public:
    void open() {
        {
            const std::lock_guard lock(mutex_);
            open_ = true;
        }
        opened_.notify_all();
    }
    void pass() {
        std::unique_lock lock(mutex_);
        opened_.wait(lock, [this] { return open_; });
    }

private:
    std::mutex mutex_;
    std::condition_variable opened_;
    bool open_ = false;
};

Task<> greet(TaskPool& pool, std::string name, std::string& greeting, std::thread::id& thread) {
    auto compose = [&thread, name] {
        thread = std::this_thread::get_id();
        return "hello " + name;
    };
    greeting = co_await pool.run(std::move(compose));
}

Task<> fail(TaskPool& pool, std::string& failure) {
    try {
        co_await pool.run([] { throw std::runtime_error("no luck"); });
    } catch (const std::runtime_error& error) {
        failure = error.what();
    }
}

// Notes the result. The count of what the function holds shows when it is destroyed.
Task<> pass_gate(TaskPool& pool, Gate& gate, std::shared_ptr<std::atomic<int>> begun, int& passed) {
    auto pass = [&gate, begun = std::move(begun)] {
        ++*begun;
        gate.pass();
    };
    co_await pool.run(std::move(pass));
    ++passed;
}

Task<> open_when_begun(Gate& gate, const std::atomic<int>& begun, int wanted) {
    while (begun < wanted) {
        co_await sleep(1ms);
    }
    gate.open();
}

Task<> close_when_begun(Routine& routine, const std::atomic<int>& begun, int wanted) {
    while (begun < wanted) {
        co_await sleep(1ms);
    }
    routine.close();
}

Task<> note(TaskPool& pool, char name, std::string& order) {
    auto add = [&order, name] { order += name; };
    co_await pool.run(add);
}

Task<> expect_gone(TaskPool& pool, Gate& gate, int& gone) {
    auto pass = [&gate] { gate.pass(); };
    try {
        co_await pool.run(pass);
    } catch (const TaskPoolGoneException&) {
        ++gone;
    }
}

Task<> destroy(std::unique_ptr<TaskPool>& pool, Gate& gate) {
    co_await sleep(1ms);
    pool.reset();
    gate.open();
}

Task<> wait_until_idle(const TaskPool& pool) {
    while (pool.running() != 0) {
        co_await sleep(1ms);
    }
}

}  // namespace

TEST_CASE("a function on another thread returns its result to the routine", "[threads]") {
    Program<UvPoller> program;
    TaskPool pool(program.scheduler);
    std::string greeting;
    std::thread::id thread;
    program.container.start(
        greet(pool, "a name that is too long to be in place", greeting, thread));
    program.scheduler.run();
    CHECK(greeting == "hello a name that is too long to be in place");
    CHECK(thread != std::this_thread::get_id());
    CHECK(pool.running() == 0);
}

TEST_CASE("an exception of a function on another thread is thrown in the routine", "[threads]") {
    Program<UvPoller> program;
    TaskPool pool(program.scheduler);
    std::string failure;
    program.container.start(fail(pool, failure));
    program.scheduler.run();
    CHECK(failure == "no luck");
}

TEST_CASE("no more functions run at once than the limit of the pool", "[threads]") {
    Gate gate;  // outlives the threads, which the program joins
    Program<UvPoller> program;
    TaskPool pool(program.scheduler, 2);
    const auto begun = std::make_shared<std::atomic<int>>(0);
    int passed = 0;
    for (int i = 0; i != 5; ++i) {
        program.container.start(pass_gate(pool, gate, begun, passed), {.foreground = true});
    }
    CHECK(pool.running() == 2);
    CHECK(pool.waiting() == 3);
    program.container.start(open_when_begun(gate, *begun, 2));
    program.scheduler.run();
    CHECK(passed == 5);
    CHECK(*begun == 5);
    CHECK(pool.running() == 0);
    CHECK(pool.waiting() == 0);
}

TEST_CASE("a function whose routine is closed before it began is not called", "[threads]") {
    Gate gate;  // outlives the threads, which the program joins
    Program<UvPoller> program;
    TaskPool pool(program.scheduler, 1);
    const auto first = std::make_shared<std::atomic<int>>(0);
    const auto second = std::make_shared<std::atomic<int>>(0);
    int passed = 0;
    program.container.start(pass_gate(pool, gate, first, passed), {.foreground = true});
    const Ref<Routine> routine =
        program.container.start(pass_gate(pool, gate, second, passed), {.foreground = true});
    CHECK(pool.waiting() == 1);
    routine->close();
    CHECK(pool.waiting() == 0);
    CHECK(second.use_count() == 1);
    program.container.start(open_when_begun(gate, *first, 1));
    program.scheduler.run();
    CHECK(passed == 1);
    CHECK(*second == 0);
}

TEST_CASE("a function that libuv has not begun is cancelled with its routine", "[threads]") {
    Gate gate;  // outlives the threads, which the program joins
    Program<UvPoller> program;
    // More functions than libuv has threads.
    TaskPool pool(program.scheduler, 1000);
    int passed = 0;
    const auto begun = std::make_shared<std::atomic<int>>(0);
    std::vector<Ref<Routine>> routines;
    for (int i = 0; i != 1000; ++i) {
        routines.push_back(
            program.container.start(pass_gate(pool, gate, begun, passed), {.foreground = true}));
    }
    for (const Ref<Routine>& routine : routines) {
        routine->close();
    }
    CHECK(pool.running() == 1000);
    gate.open();
    int kept = 0;
    program.container.start(pass_gate(pool, gate, begun, kept));
    // Functions that had begun when their routines were closed may end later.
    program.container.start(wait_until_idle(pool));
    program.scheduler.run();
    CHECK(passed == 0);
    CHECK(kept == 1);
    CHECK(pool.running() == 0);
    CHECK(begun.use_count() == 1);
    CHECK(*begun < 1000);
}

TEST_CASE("the result of a function whose routine was closed is dropped", "[threads]") {
    Gate gate;  // outlives the threads, which the program joins
    Program<UvPoller> program;
    TaskPool pool(program.scheduler);
    const auto begun = std::make_shared<std::atomic<int>>(0);
    int passed = 0;
    const Ref<Routine> routine = program.container.start(pass_gate(pool, gate, begun, passed));
    program.container.start(close_when_begun(*routine, *begun, 1));
    program.scheduler.run();
    CHECK(passed == 0);
    CHECK(*begun == 1);
    CHECK(pool.running() == 1);
    CHECK(begun.use_count() == 2);
    gate.open();
}

TEST_CASE("a pool that is destroyed fails its waiters and lets running functions end",
          "[threads]") {
    Gate gate;  // outlives the threads, which the program joins
    Program<UvPoller> program;
    auto pool = std::make_unique<TaskPool>(program.scheduler, 2);
    int gone = 0;
    for (int i = 0; i != 4; ++i) {
        program.container.start(expect_gone(*pool, gate, gone));
    }
    program.container.start(destroy(pool, gate));
    program.scheduler.run();
    CHECK(gone == 4);
}

TEST_CASE("in a simulation functions run in a random order, the same for the same seed") {
    const auto order_of = [](std::uint64_t seed) {
        Simulation simulation(seed);
        Scheduler scheduler(simulation);
        Container container(scheduler);
        TaskPool pool(scheduler);
        std::string order;
        for (const char name : {'a', 'b', 'c', 'd'}) {
            container.start(note(pool, name, order));
        }
        scheduler.run();
        return order;
    };
    std::vector<std::string> orders;
    for (std::uint64_t seed = 1; seed != 30; ++seed) {
        orders.push_back(order_of(seed));
        CHECK(orders.back() == order_of(seed));
        std::string sorted = orders.back();
        std::sort(sorted.begin(), sorted.end());
        CHECK(sorted == "abcd");
    }
    std::sort(orders.begin(), orders.end());
    CHECK(orders.front() != orders.back());
}

TEST_CASE("in a simulation the function of a routine that is closed is not called") {
    Program<Simulation> program;
    TaskPool pool(program.scheduler);
    std::string order;
    const Ref<Routine> routine =
        program.container.start(note(pool, 'a', order), {.foreground = true});
    program.container.start(note(pool, 'b', order));
    CHECK(pool.running() == 1);
    routine->close();
    program.scheduler.run();
    CHECK(order == "b");
    CHECK(pool.running() == 0);
}

}  // namespace weir
