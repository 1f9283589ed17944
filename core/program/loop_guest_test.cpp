#include "core/program/loop_guest.h"

#include <memory>

#include <catch2/catch.hpp>

#include "core/run/container.h"
#include "core/run/uv_poller.h"
#include "core/wait/do_events.h"
#include "core/wait/timeout.h"

namespace weir {
namespace {

using namespace std::chrono_literals;

struct Ping : Event {
    Index<int> number;
    static auto declare() {
        return declare_event<Ping>("loop_guest_test.Ping").index("number", &Ping::number);
    }
};

Task<> wait_for_ping(int number, int& got) {
    co_await match<Ping>(number);
    ++got;
}

Task<> sleep_and_note(Scheduler& scheduler, Duration duration, Duration& took) {
    const Time start = scheduler.now();
    co_await sleep(duration);
    took = scheduler.now() - start;
}

Task<> go_on_for(int rounds, int& done) {
    while (done != rounds) {
        co_await do_events();
        ++done;
    }
}

// An owner's loop with a timer.
struct Owner {
    Owner() {
        uv_loop_init(&loop);
        uv_timer_init(&loop, &timer);
        timer.data = this;
    }
    ~Owner() {
        uv_close(reinterpret_cast<uv_handle_t*>(&timer), nullptr);
        run();
        CHECK(uv_loop_close(&loop) == 0);
    }
    void run() { uv_run(&loop, UV_RUN_DEFAULT); }
    // Calls the function every `ms` milliseconds, `times` times.
    void every(std::uint64_t ms, int times, std::function<void()> function) {
        call = std::move(function);
        left = times;
        uv_timer_start(
            &timer,
            [](uv_timer_t* handle) {
                auto* owner = static_cast<Owner*>(handle->data);
                if (--owner->left == 0) {
                    uv_timer_stop(handle);
                }
                owner->call();
            },
            ms, ms);
    }

    uv_loop_t loop;
    uv_timer_t timer;
    int left = 0;
    std::function<void()> call;
};

struct Guest {
    explicit Guest(Owner& owner) : poller(owner.loop) {}
    void start() {
        guest = std::make_unique<LoopGuest>(poller, scheduler, [this] { ++ended; });
    }

    UvPoller poller;
    Scheduler scheduler{poller};
    Container container{scheduler};
    int ended = 0;
    std::unique_ptr<LoopGuest> guest;
};

}  // namespace

TEST_CASE("a guest runs beside its owner's timer, and lets the loop end") {
    Owner owner;
    Guest guest(owner);
    Duration took{};
    int ticks = 0;
    guest.container.start(sleep_and_note(guest.scheduler, 3500us, took));
    owner.every(1, 6, [&] { ++ticks; });
    guest.start();
    CHECK(guest.guest->running());
    owner.run();
    CHECK(took >= 3500us);
    CHECK(ticks == 6);
    CHECK(guest.ended == 1);
    CHECK_FALSE(guest.guest->running());
}

TEST_CASE("a guest receives an event that the owner sends") {
    Owner owner;
    Guest guest(owner);
    int got = 0;
    guest.container.start(wait_for_ping(1, got));
    owner.every(1, 1, [&] { guest.scheduler.emergency_send(make_event<Ping>(1)); });
    guest.start();
    owner.run();
    CHECK(got == 1);
    CHECK(guest.ended == 1);
}

TEST_CASE("a guest's run ends when nothing else is active in the loop") {
    Owner owner;
    Guest guest(owner);
    int got = 0;
    const Ref<Routine> routine = guest.container.start(wait_for_ping(1, got));
    int ticks = 0;
    owner.every(1, 2, [&] { ++ticks; });
    guest.start();
    owner.run();
    CHECK(ticks == 2);
    CHECK(got == 0);
    CHECK(routine->ended());
    CHECK(guest.ended == 1);
}

TEST_CASE("a guest that always has work lets the loop's other handles run") {
    Owner owner;
    Guest guest(owner);
    int done = 0;
    int ticks = 0;
    guest.container.start(go_on_for(-1, done));
    owner.every(1, 2, [&] {
        if (++ticks == 2) {
            guest.scheduler.quit();
        }
    });
    guest.start();
    owner.run();
    CHECK(ticks == 2);
    CHECK(guest.ended == 1);
}

TEST_CASE("a guest makes progress in every mode in which its owner runs the loop") {
    Owner owner;
    Guest guest(owner);
    int done = 0;
    Duration took{};
    guest.container.start(go_on_for(100, done));
    guest.container.start(sleep_and_note(guest.scheduler, 1ms, took));
    guest.start();
    SECTION("once each time") {
        while (uv_run(&owner.loop, UV_RUN_ONCE) != 0) {
        }
    }
    SECTION("without waiting") {
        while (uv_run(&owner.loop, UV_RUN_NOWAIT) != 0) {
        }
    }
    CHECK(done == 100);
    CHECK(took >= 1ms);
    CHECK(guest.ended == 1);
}

TEST_CASE("a guest that is destroyed ends its run") {
    Owner owner;
    Guest guest(owner);
    int got = 0;
    const Ref<Routine> routine = guest.container.start(wait_for_ping(1, got));
    owner.every(1, 1, [&] { guest.guest.reset(); });
    guest.start();
    owner.run();
    CHECK(routine->ended());
    CHECK(guest.ended == 0);
}

TEST_CASE("a guest that has ended may be destroyed and replaced by another guest") {
    Owner owner;
    Guest guest(owner);
    Duration took{};
    guest.container.start(sleep_and_note(guest.scheduler, 1us, took));
    guest.guest =
        std::make_unique<LoopGuest>(guest.poller, guest.scheduler, [&] { guest.guest.reset(); });
    owner.run();
    CHECK(took >= 1us);
    CHECK(guest.guest == nullptr);
    took = {};
    guest.container.start(sleep_and_note(guest.scheduler, 1us, took));
    guest.start();
    owner.run();
    CHECK(took >= 1us);
    CHECK(guest.ended == 1);
}

TEST_CASE("two guests share a loop") {
    Owner owner;
    Guest one(owner);
    Guest two(owner);
    Duration took_one{};
    Duration took_two{};
    one.container.start(sleep_and_note(one.scheduler, 2ms, took_one));
    two.container.start(sleep_and_note(two.scheduler, 1ms, took_two));
    one.start();
    two.start();
    owner.run();
    CHECK(took_one >= 2ms);
    CHECK(took_two >= 1ms);
    CHECK(one.ended == 1);
    CHECK(two.ended == 1);
}

}  // namespace weir
