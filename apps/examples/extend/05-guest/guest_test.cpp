// A program that has a loop of libuv already, with weir as a guest in it.
#include <catch2/catch.hpp>
#include <uv.h>
#include <weir/core.h>

namespace {

// The program's own timer ticks.
struct Tick : weir::Event {
    weir::Index<int> number;

    static auto declare() {
        return weir::declare_event<Tick>("extend.Tick").index("number", &Tick::number);
    }
};

// The program as it was before.
struct Program {
    explicit Program(uv_loop_t& loop) {
        uv_timer_init(&loop, &timer);
        timer.data = this;
        uv_timer_start(
            &timer, [](uv_timer_t* handle) { static_cast<Program*>(handle->data)->tick(); }, 1, 1);
    }
    void tick() {
        ++ticks;
        // The only new line: a callback sends an event.
        scheduler->emergency_send(weir::make_event<Tick>(ticks));
    }
    void stop() { uv_close(reinterpret_cast<uv_handle_t*>(&timer), nullptr); }

    uv_timer_t timer;
    int ticks = 0;
    weir::Scheduler* scheduler = nullptr;
};

weir::Task<> wait_for_tick(int number, Program& program) {
    const weir::MatcherOf<Tick> tick = weir::match<Tick>(number);
    co_await tick;
    program.stop();
}

}  // namespace

TEST_CASE("extend 05: routines run in the loop of a program, which ends when both have ended") {
    uv_loop_t loop;
    uv_loop_init(&loop);
    bool ended = false;
    {
        Program program(loop);
        weir::UvPoller world(loop);
        weir::Scheduler scheduler(world, {.queue = weir::standard_root()});
        weir::add_standard_queues(scheduler.queue());
        program.scheduler = &scheduler;
        weir::Container container(scheduler);
        container.start(wait_for_tick(5, program));
        const weir::LoopGuest guest(world, scheduler, [&] { ended = true; });
        uv_run(&loop, UV_RUN_DEFAULT);  // the program's own line
        CHECK(program.ticks == 5);
        CHECK(ended);
    }
    CHECK(uv_loop_close(&loop) == 0);
}
