#include "core/run/poster.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <optional>
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

struct Post : Event {
    Index<int> number;
    static auto declare() {
        return declare_event<Post>("poster_test.Post").index("number", &Post::number);
    }
};

Task<> receive(int times, int& received) {
    const auto post = match<Post>().make();
    while (received != times) {
        co_await post;
        ++received;
    }
}

template <class P>
using Program = test::WorldOn<P>;

}  // namespace

TEST_CASE("what four threads post all arrives, of each in its order", "[threads]") {
    constexpr std::size_t threads = 4;
    constexpr int posts = 10'000;
    Program<UvPoller> program;
    std::array<std::vector<int>, threads> arrived;
    int received = 0;
    program.container.start(receive(threads * posts, received));
    std::vector<std::thread> started;
    for (std::size_t t = 0; t != threads; ++t) {
        started.emplace_back([&, t, poster = Poster(program.scheduler)] {
            for (int i = 0; i != posts; ++i) {
                poster.post([&, t, i] {
                    arrived[t].push_back(i);
                    program.scheduler.emergency_send(make_event<Post>(i));
                });
            }
        });
    }
    program.scheduler.run();
    for (std::thread& thread : started) {
        thread.join();
    }
    CHECK(received == threads * posts);
    for (const std::vector<int>& numbers : arrived) {
        REQUIRE(numbers.size() == posts);
        CHECK(std::is_sorted(numbers.begin(), numbers.end()));
    }
}

TEST_CASE("a scheduler waits for posts while there is a Poster, and ends when the last goes",
          "[threads]") {
    Program<UvPoller> program;
    int received = 0;
    const Ref<Routine> routine = program.container.start(receive(-1, received));
    std::optional<Poster> poster(std::in_place, program.scheduler);
    std::optional<Poster> copy = poster;
    poster.reset();
    std::thread thread([&program, moved = std::move(*copy)]() mutable {
        const Poster mine = std::move(moved);
        mine.post([&program] { program.scheduler.emergency_send(make_event<Post>(1)); });
    });
    copy.reset();
    program.scheduler.run();
    thread.join();
    CHECK(received == 1);
    CHECK(routine->ended());
}

TEST_CASE("a Poster that is a daemon does not keep a scheduler running") {
    Program<UvPoller> program;
    int received = 0;
    program.container.start(receive(1, received));
    const Poster poster(program.scheduler, true);
    program.scheduler.run();
    CHECK(received == 0);
}

TEST_CASE("posting to a scheduler that is gone says so", "[threads]") {
    auto program = std::make_unique<Program<UvPoller>>();
    const Poster poster(program->scheduler);
    auto dropped = std::make_shared<int>();
    CHECK(poster.post([dropped] {}));
    CHECK(dropped.use_count() == 2);
    // A function that holds a Poster is dropped with the scheduler as well.
    CHECK(poster.post([poster] {}));
    program.reset();
    CHECK(dropped.use_count() == 1);
    bool taken = true;
    std::thread thread([&] { taken = poster.post([] {}); });
    thread.join();
    CHECK_FALSE(taken);
}

TEST_CASE("threads post while the scheduler goes", "[threads]") {
    std::atomic<int> posted = 0;
    std::atomic<bool> refused = false;
    auto program = std::make_unique<Program<UvPoller>>();
    std::thread thread([&, poster = Poster(program->scheduler)] {
        while (poster.post([] {})) {
            ++posted;
        }
        refused = true;
    });
    while (posted == 0) {
        std::this_thread::yield();
    }
    program.reset();
    thread.join();
    CHECK(refused);
}

TEST_CASE("an exception in a posted function is logged, and the next ones are called") {
    Program<Simulation> program;
    int received = 0;
    program.container.start(receive(1, received));
    const Poster poster(program.scheduler);
    poster.post([] { throw std::runtime_error("no luck"); });
    poster.post([&] { program.scheduler.emergency_send(make_event<Post>(1)); });
    program.scheduler.run();
    CHECK(received == 1);
    CHECK(program.log ==
          std::vector<std::string>{"a posted function ended with an exception: no luck"});
}

TEST_CASE("a posted function may start routines and post again") {
    Program<UvPoller> program;
    int received = 0;
    const Poster poster(program.scheduler);
    int started = 0;
    program.container.start(receive(1, received));
    poster.post([&] {
        program.container.start(receive(1, started));
        poster.post([&] { program.scheduler.emergency_send(make_event<Post>(1)); });
    });
    program.scheduler.run();
    CHECK(received == 1);
    CHECK(started == 1);
}

namespace {

std::string order_of_posts(std::uint64_t seed) {
    Simulation simulation(seed);
    simulation.delay_threads(10ms);
    std::string order;
    Scheduler one(simulation);
    Container container(one);
    int received = 0;
    container.start(receive(4, received));
    const Poster poster(one);
    for (const char name : {'a', 'b'}) {
        simulation.happen(name == 'a' ? 1ms : 5ms, [&, name] {
            for (const char number : {'1', '2'}) {
                poster.post([&, name, number] {
                    order += name;
                    order += number;
                    one.emergency_send(make_event<Post>(1));
                });
            }
            simulation.happen(2ms, [&order] { order += '.'; });
        });
    }
    one.run();
    return order;
}

}  // namespace

TEST_CASE("in a simulation posts come late by chance, the same for the same seed, in their order") {
    std::vector<std::string> orders;
    for (std::uint64_t seed = 1; seed != 30; ++seed) {
        const std::string order = order_of_posts(seed);
        CHECK(order == order_of_posts(seed));
        std::string posts = order;
        std::erase(posts, '.');
        CHECK(posts == "a1a2b1b2");
        orders.push_back(order);
    }
    std::sort(orders.begin(), orders.end());
    CHECK(orders.front() != orders.back());
}

}  // namespace weir
