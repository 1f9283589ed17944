#include "core/run/uv_poller.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <latch>
#include <new>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "core/program/standard_queues.h"
#include "core/run/container.h"
#include "core/wait/do_events.h"
#include "core/wait/send.h"
#include "core/wait/timeout.h"

namespace weir {
namespace {

using namespace std::chrono_literals;

struct Ping : Event {
    Index<int> number;
    static auto declare() {
        return declare_event<Ping>("uv_poller_test.Ping").index("number", &Ping::number);
    }
};

Task<> sleep_and_note(Scheduler& scheduler, Duration duration, Duration& took) {
    const Time start = scheduler.now();
    co_await sleep(duration);
    took = scheduler.now() - start;
}

Task<> wait_for_ping(int number, int& got) {
    const auto ping = match<Ping>(number).make();
    co_await ping;
    ++got;
}

void close(uv_timer_t& timer) {
    uv_close(reinterpret_cast<uv_handle_t*>(&timer), nullptr);
}

// A timer of libuv that calls a function once, as other parts of a program have them.
struct UvTimer {
    UvTimer(uv_loop_t& loop, std::uint64_t ms, std::function<void()> function)
        : call(std::move(function)) {
        uv_timer_init(&loop, &handle);
        handle.data = this;
        uv_timer_start(
            &handle,
            [](uv_timer_t* timer) {
                static_cast<UvTimer*>(timer->data)->call();
                close(*timer);
            },
            ms, 0);
    }
    uv_timer_t handle;
    std::function<void()> call;
};

}  // namespace

TEST_CASE("on libuv, timers are never early") {
    UvPoller poller;
    Scheduler scheduler(poller);
    Container container(scheduler);
    const std::array<Duration, 5> durations = {0ns, 1ns, 300us, 1ms, 2700us};
    std::array<Duration, 5> took{};
    for (std::size_t i = 0; i != durations.size(); ++i) {
        took[i] = -1ns;
        container.start(sleep_and_note(scheduler, durations[i], took[i]));
    }
    scheduler.run();
    for (std::size_t i = 0; i != durations.size(); ++i) {
        CHECK(took[i] >= durations[i]);
    }
}

TEST_CASE("on libuv, a scheduler ends when nothing is alive in the loop") {
    UvPoller poller;
    Scheduler scheduler(poller);
    Container container(scheduler);
    int got = 0;
    const Ref<Routine> routine = container.start(wait_for_ping(1, got));
    scheduler.run();
    CHECK(routine->ended());
    CHECK(got == 0);
}

TEST_CASE("a poll without end returns at once when nothing is alive in the loop") {
    UvPoller poller;
    CHECK_FALSE(poller.poll(std::nullopt));
    uv_timer_t timer;
    uv_timer_init(&poller.loop(), &timer);
    uv_timer_start(
        &timer, [](uv_timer_t* due) { close(*due); }, 0, 0);
    // What does not keep the loop alive does not count.
    uv_unref(reinterpret_cast<uv_handle_t*>(&timer));
    CHECK_FALSE(poller.poll(std::nullopt));
    uv_ref(reinterpret_cast<uv_handle_t*>(&timer));
    CHECK(poller.poll(std::nullopt));
}

TEST_CASE("what an unref'd handle brings is seen by every poll that may wait") {
    UvPoller poller;
    bool called = false;
    UvTimer timer(poller.loop(), 1, [&] { called = true; });
    uv_unref(reinterpret_cast<uv_handle_t*>(&timer.handle));
    while (!called) {
        CHECK(poller.poll(1s));
    }
}

TEST_CASE("wake() makes the next poll return") {
    UvPoller poller;
    poller.wake();
    CHECK(poller.poll(std::nullopt));
    CHECK_FALSE(poller.poll(std::nullopt));
    poller.wake();
    CHECK(poller.poll(1h));
}

TEST_CASE("an event that a callback of the loop sends is delivered without further waiting") {
    UvPoller poller;
    Scheduler scheduler(poller);
    Container container(scheduler);
    int got = 0;
    container.start(wait_for_ping(1, got));
    // It keeps the loop alive, and a poll that would wait for it would be seen.
    UvTimer never(poller.loop(), 3'600'000, [] {});
    // Is due when the loop begins to run: before it waits, not after.
    UvTimer soon(poller.loop(), 0, [&] { scheduler.emergency_send(make_event<Ping>(1)); });
    scheduler.run();
    CHECK(got == 1);
    close(never.handle);
}

namespace {

Task<> sleep_and_quit(Scheduler& scheduler, Duration duration) {
    co_await sleep(duration);
    scheduler.quit();
}

}  // namespace

TEST_CASE("a routine that a callback of the loop starts runs without further waiting") {
    UvPoller poller;
    Scheduler scheduler(poller);
    Container container(scheduler);
    int got = 0;
    container.start(wait_for_ping(1, got));
    // A poll that would wait for it would be seen.
    UvTimer never(poller.loop(), 3'600'000, [] {});
    UvTimer soon(poller.loop(), 0, [&] { container.start(sleep_and_quit(scheduler, 1ms)); });
    scheduler.run();
    CHECK(scheduler.timers().size() == 0);
    close(never.handle);
}

namespace {

Task<> busy(bool& stop) {
    while (!stop) {
        co_await do_events();
    }
}

}  // namespace

TEST_CASE("a scheduler that always has work still polls") {
    UvPoller poller;
    Scheduler scheduler(poller);
    Container container(scheduler);
    bool stop = false;
    container.start(busy(stop));
    UvTimer timer(poller.loop(), 1, [&] { stop = true; });
    uv_unref(reinterpret_cast<uv_handle_t*>(&timer.handle));
    scheduler.run();
    CHECK(stop);
}

TEST_CASE("no word of a poller's handles is what its memory held before") {
    constexpr unsigned char stale = 0x5a;
    alignas(UvPoller) static std::array<unsigned char, sizeof(UvPoller)> memory;
    memory.fill(stale);
    auto* const poller = new (memory.data()) UvPoller;
    std::array<unsigned char, sizeof(void*)> word{};
    word.fill(stale);
    int handles = 0;
    int found = 0;
    poller->visit_code([&](const void* address, std::string_view what) {
        const auto at = reinterpret_cast<std::uintptr_t>(address) -
                        reinterpret_cast<std::uintptr_t>(memory.data());
        handles += what.starts_with("a handle of libuv") && at < memory.size() ? 1 : 0;
        found += std::memcmp(&address, word.data(), word.size()) == 0 ? 1 : 0;
    });
    CHECK(handles >= 5);
    CHECK(found == 0);
    poller->~UvPoller();
}

TEST_CASE("a given loop is left as it was") {
    uv_loop_t loop;
    REQUIRE(uv_loop_init(&loop) == 0);
    bool called = false;
    UvTimer timer(loop, 2, [&] { called = true; });
    {
        UvPoller poller(loop);
        CHECK(&poller.loop() == &loop);
        Scheduler scheduler(poller);
        Container container(scheduler);
        Duration took{};
        container.start(sleep_and_note(scheduler, 100us, took));
        scheduler.run();
        CHECK(took >= 100us);
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK(called);
    CHECK(uv_loop_close(&loop) == 0);
}

namespace {

// Its clock advances only when the test sets it.
class SlowPoller final : public Poller {
public:
    Time now() noexcept override { return time; }
    bool poll(std::optional<Duration>) override {
        note_poll(time, time);
        return false;
    }
    void wake() noexcept override {}
    std::uint64_t random() noexcept override { return 0; }
    std::unique_ptr<Bell> make_bell(std::function<void()>) override { return nullptr; }
    void start_work(Work&) override {}
    void cancel_work(Work&) noexcept override {}

    Time time{};
};

Task<> compute_for(SlowPoller& poller, Duration duration) {
    co_await do_events();
    poller.time += duration;
}

}  // namespace

TEST_CASE("a round that takes long is logged") {
    SlowPoller poller;
    std::string log;
    Scheduler scheduler(
        poller, {.log = [&](const LogRecord& record) { log.append(record.text).append("\n"); }});
    Container container(scheduler);
    container.start(compute_for(poller, 1s));
    scheduler.run();
    CHECK(log.empty());
    container.start(compute_for(poller, 1500ms));
    scheduler.run();
    CHECK(log ==
          "a round took 1.500000 s: a routine computes for long without waiting, or process_events "
          "is too large\n");
}

namespace {

struct World {
    UvPoller poller;
    Scheduler scheduler{poller};
    Container container{scheduler};
    Duration took{};
};

// Both have opened their loops before one closes its own: libuv closes with a bare system call, so
// that the thread sanitizer takes a descriptor that another thread gets anew for a shared one.
void sleep_ten_times(std::latch& both_open, Duration& total) {
    World world;
    both_open.arrive_and_wait();
    for (int i = 0; i != 10; ++i) {
        world.container.start(sleep_and_note(world.scheduler, 200us * i, world.took));
    }
    world.scheduler.run();
    total = world.took;
}

}  // namespace

TEST_CASE("two schedulers in two threads never meet", "[threads]") {
    Duration one{};
    Duration two{};
    std::latch both_open(2);
    std::thread thread(sleep_ten_times, std::ref(both_open), std::ref(one));
    sleep_ten_times(both_open, two);
    thread.join();
    CHECK(one >= 1800us);
    CHECK(two >= 1800us);
}

}  // namespace weir
