#include "next_events.h"

#include <catch2/catch.hpp>
#include <weir/core.h>

namespace {

struct Drop : weir::Event {
    weir::Index<int> number;

    static auto declare() {
        return weir::declare_event<Drop>("extend.Drop").index("number", &Drop::number);
    }
};

weir::Task<> drip(int count) {
    for (int number = 1; number <= count; ++number) {
        co_await weir::send(weir::make_event<Drop>(number));
    }
}

weir::Task<> fill(std::size_t count, std::string& story) {
    NextEvents next(weir::match<Drop>().make(), count);
    const std::vector<weir::Ref<weir::Event>> drops = co_await next;
    for (const weir::Ref<weir::Event>& drop : drops) {
        story += std::to_string(drop->as<Drop>().number) + " ";
    }
}

class Rain {
public:
    Rain() { weir::add_standard_queues(scheduler.queue()); }

    weir::Simulation world;
    weir::Scheduler scheduler{world, {.queue = weir::standard_root()}};
    weir::Container container{scheduler};
};

}  // namespace

TEST_CASE("extend 02: a routine waits for three events at a time") {
    Rain rain;
    std::string story;
    rain.container.start(fill(3, story));
    rain.container.start(drip(5));
    rain.scheduler.run();
    CHECK(story == "1 2 3 ");
}

TEST_CASE("extend 02: a listing says how many are missing") {
    Rain rain;
    std::string story;
    const weir::Ref<weir::Routine> filling = rain.container.start(fill(3, story));
    rain.container.start(drip(2));
    rain.scheduler.run();
    CHECK(story == "");
    CHECK(NextEvents(weir::match<Drop>().make(), 2).describe() == "2 more of extend.Drop()");
}
