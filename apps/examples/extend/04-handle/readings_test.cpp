#include "readings.h"

#include <algorithm>
#include <array>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <unistd.h>

using namespace std::chrono_literals;

namespace {

constexpr int most = 3000;

// Writes as many of the lines as the pipe takes, from `next` on.
void fill(int pipe, int& next) {
    while (next != most) {
        const std::string line = "reading " + std::to_string(next) + "\n";
        if (::write(pipe, line.data(), line.size()) < 0) {
            return;
        }
        ++next;
    }
}

weir::Task<> take_all(int pipe, int& next, int& most_ahead) {
    const weir::MatcherOf<Reading> any = weir::match<Reading>();
    for (int i = 0; i != most; ++i) {
        const weir::Ref<Reading> reading = co_await any;
        reading->set_ignorable();
        CHECK(std::string(reading->line) == "reading " + std::to_string(i));
        if (i % 100 == 0) {
            co_await weir::sleep(1ms);  // a slow receiver
            fill(pipe, next);
        }
        most_ahead = std::max(most_ahead, next - i);
    }
}

}  // namespace

TEST_CASE("extend 04: what a handle reads comes in order, and a slow receiver slows the writer") {
    std::array<int, 2> pipe{};
    REQUIRE(::pipe2(pipe.data(), O_CLOEXEC | O_NONBLOCK) == 0);
    ::fcntl(pipe[1], F_SETPIPE_SZ, 4096);
    weir::UvPoller world;
    weir::Scheduler scheduler(world, {.queue = weir::standard_root()});
    weir::add_standard_queues(scheduler.queue());
    scheduler.queue().add("readings", 500, weir::match<Reading>().make(), {.max_default = 10});
    int next = 0;
    int most_ahead = 0;
    fill(pipe[1], next);
    CHECK(next < most);  // the pipe is full
    {
        const Readings readings(scheduler, pipe[0]);
        weir::Container container(scheduler);
        container.start(take_all(pipe[1], next, most_ahead));
        scheduler.run();
    }
    CHECK(next == most);
    // In the pipe, the buffer and the queue.
    CHECK(most_ahead * 8 < 4096 + 1024 + 10 * 16 + 100 * 16);
    ::close(pipe[1]);
}
