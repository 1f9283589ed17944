#include "core/wait/long_work.h"

#include <cstdint>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "core/wait/do_events.h"
#include "tests/support/virtual_world.h"

using namespace weir;
using namespace weir::test;

namespace {

struct World : VirtualWorld {
    // Does so many pieces of work for the source, and notes each with its round.
    Task<> work(std::string source, std::size_t items, int pieces = 1) {
        for (int i = 0; i != pieces; ++i) {
            Task<> turn = LongWork::turn(long_work, source, items);
            co_await turn;
            done.push_back(source);
            rounds.push_back(scheduler.rounds());
        }
    }

    Ref<LongWork> long_work{new LongWork(scheduler)};
    std::vector<std::string> done;
    std::vector<std::uint64_t> rounds;
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a round does one long piece of work, from all sources together") {
    World world;
    world.run(world.work("a", LongWork::per_round, 3), world.work("b", 100'000),
              world.work("c", LongWork::per_round));
    REQUIRE(world.done.size() == 5);
    for (std::size_t i = 1; i != world.rounds.size(); ++i) {
        CHECK(world.rounds[i] > world.rounds[i - 1]);
    }
}

TEST_CASE("short pieces of work are done in one round, until they are as much as a long one") {
    World world;
    world.run(world.work("a", LongWork::per_round / 4, 8));
    REQUIRE(world.rounds.size() == 8);
    CHECK(world.rounds.front() == world.rounds[3]);
    CHECK(world.rounds[3] < world.rounds[4]);
    CHECK(world.rounds[4] == world.rounds.back());
}

TEST_CASE("sources of long work take turns, however many routines one of them has") {
    World world;
    const std::size_t much = LongWork::per_round;
    world.run(world.work("a", much), world.work("a", much), world.work("a", much),
              world.work("a", much), world.work("b", much, 2), world.work("c", much));
    CHECK(world.done == Names{"a", "a", "a", "b", "c", "a", "b"});
}

TEST_CASE("work that has begun goes on before more work of its source begins") {
    World world;
    const auto work = [&](std::string name) -> Task<> {
        for (const LongWork::Piece piece : {LongWork::Piece::first, LongWork::Piece::next}) {
            Task<> turn = LongWork::turn(world.long_work, "a", LongWork::per_round, piece);
            co_await turn;
            world.done.push_back(name);
        }
    };
    world.run(work("1"), work("2"), work("3"));
    CHECK(world.done == Names{"1", "1", "2", "3", "2", "3"});
}

TEST_CASE("events of the round come before long work that waits") {
    World world;
    Names happened;
    const auto worker = [&]() -> Task<> {
        for (int i = 0; i != 2; ++i) {
            Task<> turn = LongWork::turn(world.long_work, "a", LongWork::per_round);
            co_await turn;
            happened.push_back("work");
        }
    };
    const auto other = [&]() -> Task<> {
        co_await do_events();
        for (int i = 0; i != 3; ++i) {
            Ref<Event> event = make_event<SystemControlEvent>(SystemControlEvent::Type::init);
            world.scheduler.emergency_send(event);
            co_await match<SystemControlEvent>(SystemControlEvent::Type::init);
            happened.push_back("event");
        }
    };
    world.run(worker(), other());
    CHECK(happened == Names{"work", "event", "event", "event", "work"});
}

TEST_CASE("a routine that is closed while it waits for long work leaves its turn to the next one") {
    World world;
    const auto scenario = [&]() -> Task<> {
        const std::size_t much = LongWork::per_round;
        std::vector<Ref<Routine>> workers;
        for (const char* source : {"a", "b", "c", "d", "e"}) {
            workers.push_back(world.container.start(world.work(source, much), {.name = source}));
        }
        while (world.long_work->waiting() != 4) {
            co_await do_events();
        }
        workers[1]->close();  // is the next one
        workers[3]->close();  // waits behind another
        CHECK(world.long_work->waiting() == 2);
    };
    world.run(scenario());
    CHECK(world.done == Names{"a", "c", "e"});
    CHECK(world.long_work->waiting() == 0);
}

TEST_CASE("at random: long work that waits is done, each round does one long piece, none starves") {
    for (std::uint64_t seed = 1; seed != 30; ++seed) {
        CAPTURE(seed);
        World world;
        std::uint64_t state = seed;
        const auto random = [&state](std::uint64_t below) {
            state = state * 6364136223846793005ULL + 1442695040888963407ULL;
            return (state >> 33) % below;
        };
        std::size_t pieces = 0;
        const auto all = [&]() -> Task<> {
            std::vector<Ref<Routine>> workers;
            for (int i = 0; i != 20; ++i) {
                const std::string source(1, static_cast<char>('a' + random(4)));
                const int count = 1 + static_cast<int>(random(4));
                const std::size_t items = 1 + random(2 * LongWork::per_round);
                workers.push_back(
                    world.container.start(world.work(source, items, count), {.name = source}));
                pieces += static_cast<std::size_t>(count);
                if (random(3) == 0) {
                    co_await do_events();
                }
            }
        };
        world.run(all());
        CHECK(world.done.size() == pieces);
        CHECK(world.long_work->waiting() == 0);
    }
}
