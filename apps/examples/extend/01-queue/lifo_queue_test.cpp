#include "lifo_queue.h"

#include <catch2/catch.hpp>
#include <weir/core.h>
#include <weir/testing.h>

namespace {

struct Plate : weir::Event {
    weir::Index<int> number;

    static auto declare() {
        return weir::declare_event<Plate>("extend.Plate").index("number", &Plate::number);
    }
};

weir::Task<> put(int count, std::string& story) {
    for (int number = 1; number <= count; ++number) {
        co_await weir::send(weir::make_event<Plate>(number));
        story += "+" + std::to_string(number);
    }
}

weir::Task<> take(int count, std::string& story) {
    const weir::MatcherOf<Plate> any_plate = weir::match<Plate>();
    for (int i = 0; i != count; ++i) {
        const weir::Ref<Plate> plate = co_await any_plate;
        story += "-" + std::to_string(plate->number);
    }
}

}  // namespace

TEST_CASE("extend 01: of a stack of plates the last is taken first") {
    weir::Simulation world;
    weir::Scheduler scheduler(world, {.queue = weir::standard_root()});
    weir::add_standard_queues(scheduler.queue());
    scheduler.queue().add("plates", 500, weir::match<Plate>().make(),
                          {.max_default = 3, .kind = [](std::size_t max_size) {
                               return std::make_unique<LifoQueue>(max_size);
                           }});
    std::string story;
    weir::Container kitchen(scheduler);
    kitchen.start(take(5, story));
    kitchen.start(put(5, story));
    scheduler.run();
    CHECK(story == "+1+2+3+4-3+5-4-5-2-1");
}

TEST_CASE(
    "extend 01: the queue keeps what queues promise; newer events leave before unblocked ones") {
    const auto lifo = [](std::size_t limit) { return std::make_unique<LifoQueue>(limit); };
    CHECK(weir::check_queue_kind(lifo, {.block_stops_all = false}) == "");
    CHECK_THAT(weir::check_queue_kind(lifo),
               Catch::StartsWith("lets another event leave before the one that was unblocked"));
}
