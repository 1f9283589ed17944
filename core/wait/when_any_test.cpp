#include "core/wait/when_any.h"

#include <memory>
#include <stdexcept>
#include <string>

#include <catch2/catch.hpp>

#include "core/program/standard_queues.h"
#include "core/simulation/simulation.h"
#include "core/wait/timeout.h"

namespace weir {

using namespace std::chrono_literals;

namespace {

struct World {
    World() { add_standard_queues(scheduler.queue()); }

    void run(Task<> task) {
        container.start(std::move(task));
        scheduler.run();
    }

    // Says its name when it ends; "-" before that when it is closed.
    template <class T>
    Task<T> end_after(Duration time, T result) {
        const struct Note {
            std::string& story;
            bool ended = false;
            ~Note() { story += ended ? "+" : "-"; }
        } note{story};
        co_await sleep(time);
        const_cast<bool&>(note.ended) = true;
        co_return result;
    }
    Task<> end_quietly(Duration time) { co_await sleep(time); }
    Task<int> fail_after(Duration time) {
        co_await sleep(time);
        throw std::runtime_error("no luck");
    }

    Simulation simulation;
    Scheduler scheduler{simulation, {.queue = standard_root()}};
    std::string story;
    Container container{scheduler};
};

}  // namespace

TEST_CASE("the first of several tasks gives its result, and the others are closed") {
    World w;
    const auto test = [&]() -> Task<> {
        std::vector<Task<int>> tasks;
        tasks.push_back(w.end_after(3s, 30));
        tasks.push_back(w.end_after(1s, 10));
        tasks.push_back(w.end_after(2s, 20));
        const FirstOf<int> first = co_await when_any(w.container, std::move(tasks));
        CHECK(first.which == 1);
        CHECK(first.result == 10);
        CHECK(w.story == "+--");
        CHECK(w.scheduler.now() == Time(1s));
    };
    w.run(test());
}

TEST_CASE("the first of several tasks without results is named by its position") {
    World w;
    const auto test = [&]() -> Task<> {
        std::vector<Task<>> tasks;
        tasks.push_back(w.end_quietly(2s));
        tasks.push_back(w.end_quietly(1s));
        const FirstOf<void> first = co_await when_any(w.container, std::move(tasks));
        CHECK(first.which == 1);
    };
    w.run(test());
}

TEST_CASE("tasks of different types give a variant of the first one's result") {
    World w;
    const auto test = [&]() -> Task<> {
        const auto text = co_await when_any(w.container, w.end_after(5s, 1),
                                            w.end_after(1s, std::string("text")));
        REQUIRE(text.index() == 1);
        CHECK(std::get<1>(text) == "text");
        const auto nothing =
            co_await when_any(w.container, w.end_after(5s, 1), w.end_quietly(1s), w.fail_after(9s));
        CHECK(nothing.index() == 1);
        auto moved = co_await when_any(w.container, w.end_after(1s, std::make_unique<int>(7)),
                                       w.end_quietly(2s));
        CHECK(*std::get<0>(moved) == 7);
    };
    w.run(test());
}

TEST_CASE("the first task that throws makes when_any throw") {
    World w;
    const auto test = [&]() -> Task<> {
        std::string what;
        try {
            co_await when_any(w.container, w.fail_after(1s), w.end_after(2s, 2));
        } catch (const std::runtime_error& error) {
            what = error.what();
        }
        CHECK(what == "no luck");
        CHECK(w.story == "-");
    };
    w.run(test());
}

TEST_CASE("a routine that is closed while it waits for the first task closes all") {
    World w;
    const auto test = [&]() -> Task<> {
        const auto finished = co_await execute_with_timeout(
            1s, when_any(w.container, w.end_after(5s, 1), w.end_after(6s, 2)));
        CHECK_FALSE(finished);
        CHECK(w.story == "--");
    };
    w.run(test());
}

TEST_CASE("no tasks at all have no first one") {
    World w;
    const auto test = [&]() -> Task<> {
        bool refused = false;
        try {
            std::vector<Task<>> none;
            co_await when_any(w.container, std::move(none));
        } catch (const std::invalid_argument&) {
            refused = true;
        }
        CHECK(refused);
    };
    w.run(test());
}

TEST_CASE("tasks of different types run side by side, and give a tuple") {
    World w;
    const auto test = [&]() -> Task<> {
        const auto [number, nothing, text] =
            co_await execute_all(w.container, w.end_after(2s, 7), w.end_quietly(3s),
                                 w.end_after(1s, std::string("text")));
        CHECK(number == 7);
        static_cast<void>(nothing);
        CHECK(text == "text");
        CHECK(w.scheduler.now() == Time(3s));
    };
    w.run(test());
}

TEST_CASE("of tasks of different types all run to their end, and what they throw is thrown then") {
    World w;
    const auto test = [&]() -> Task<> {
        std::string what;
        try {
            co_await execute_all(w.container, w.fail_after(1s), w.end_after(2s, std::string()));
        } catch (const std::runtime_error& error) {
            what = error.what();
        }
        CHECK(what == "no luck");
        CHECK(w.story == "+");
        std::size_t thrown = 0;
        try {
            co_await execute_all(w.container, w.fail_after(1s), w.fail_after(2s),
                                 w.end_quietly(1s));
        } catch (const MultipleException& error) {
            thrown = error.exceptions().size();
        }
        CHECK(thrown == 2);
    };
    w.run(test());
}

}  // namespace weir
