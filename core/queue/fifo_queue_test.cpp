#include "core/queue/fifo_queue.h"

#include <deque>
#include <random>

#include <catch2/catch.hpp>

#include "tests/support/queue_events.h"

namespace weir {

using namespace queue_test;

TEST_CASE("a fifo queue behaves as a std::deque under random operations", "[fifo_queue]") {
    constexpr std::size_t limit = 20;
    std::mt19937 random(1);
    const auto root = make_root({.max_default = limit});
    std::deque<int> model;
    Ref<Event> blocked;
    bool waited = false;
    for (int step = 0; step != 200'000; ++step) {
        switch (random() % 8) {
            case 0:
            case 1:
            case 2: {
                const bool force = random() % 10 == 0;
                const bool place = force || model.size() < limit;
                REQUIRE(append(*root, job("a", 1, step), force) == place);
                waited = waited || !place;
                if (place) model.push_back(step);
                break;
            }
            case 3:
                if (blocked != nullptr) {
                    Queue::unblock(*blocked);
                    blocked.reset();
                }
                break;
            case 4:
                if (random() % 100 == 0) {
                    QueueSignals signals;
                    root->clear(signals);
                    REQUIRE(signals.can_write.size() == (waited ? 1 : 0));
                    model.clear();
                    waited = false;
                    blocked.reset();
                }
                break;
            default: {
                REQUIRE(root->can_pop() == (!model.empty() && blocked == nullptr));
                if (!root->can_pop()) break;
                QueueSignals signals;
                const Ref<Event> event = root->pop(signals);
                REQUIRE(id_of(*event) == model.front());
                const bool told = waited && model.size() - 1 < limit;
                REQUIRE(signals.can_write.size() == (told ? 1 : 0));
                waited = waited && !told;
                if (random() % 10 == 0) {
                    root->block(*event);
                    blocked = event;
                } else {
                    model.pop_front();
                }
            }
        }
        REQUIRE(root->size() == model.size());
        REQUIRE(root->default_queue().size() == model.size());
    }
}

}  // namespace weir
