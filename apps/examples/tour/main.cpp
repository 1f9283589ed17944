// A tour of the event core: a kitchen that takes orders. Time is simulated, so that the program
// ends at once and always prints the same.

#include <cstdio>
#include <string>

#include <weir/core.h>

using namespace std::chrono_literals;

// An event type. By its two indices, waiters choose events and queues classify them. An order that
// no cook waits for is not dropped: it blocks its queue until a cook takes it.
struct Order : weir::Event {
    weir::Index<std::string> customer;
    weir::Index<int> number;

    static auto declare() {
        return weir::declare_event<Order>("kitchen.Order")
            .index("customer", &Order::customer)
            .index("number", &Order::number)
            .blocking();
    }
};

// An order that cannot wait. It derives from Order: waiters for orders receive it too.
struct RushOrder : Order {
    static auto declare() { return weir::declare_event<RushOrder, Order>("kitchen.RushOrder"); }
};

class Kitchen : public weir::Container {
public:
    using Container::Container;

    void open() {
        start(cook(), {.name = "cook"});
        start(order("ann", 4), {.name = "ann"});
        start(order("bob", 2), {.name = "bob"});
        start(rush("eve"), {.name = "eve"});
        start(close_at(10min), {.name = "clock"});
    }

private:
    // Cooks one order after the other, three minutes each.
    weir::Task<> cook() {
        const weir::MatcherOf<Order> any_order = weir::match<Order>();
        while (true) {
            const weir::Ref<Order> order = co_await any_order;
            order->set_ignorable();  // processed: no longer blocks its queue
            say("cooks   " + std::string(order->customer.get()) + " " +
                std::to_string(order->number));
            co_await weir::sleep(3min);
        }
    }

    // Orders as fast as the queue accepts orders.
    weir::Task<> order(std::string customer, int count) {
        for (int number = 1; number <= count; ++number) {
            co_await weir::send(weir::make_event<Order>(customer, number));
            say("ordered " + customer + " " + std::to_string(number));
        }
    }

    weir::Task<> rush(std::string customer) {
        co_await weir::sleep(2min);
        co_await weir::send(weir::make_event<RushOrder>(customer, 1));
        say("rushes  " + customer + " 1");
    }

    weir::Task<> close_at(weir::Duration time) {
        co_await weir::sleep(time);
        say("last orders, please");
    }

    void say(const std::string& what) {
        const auto minute =
            std::chrono::duration_cast<std::chrono::minutes>(scheduler().now().time_since_epoch());
        std::printf("%3lld min  %s\n", static_cast<long long>(minute.count()), what.c_str());
    }
};

int main() {
    weir::Simulation world;
    weir::Scheduler scheduler(world, {.queue = weir::standard_root()});
    weir::add_standard_queues(scheduler.queue());
    // Orders: fair by customer, at most three in all and two of one customer. Rush orders go first.
    scheduler.queue().add("orders", 500, weir::match<Order>().make(),
                          {.max_default = 3,
                           .kind = weir::FairQueue::factory(
                               {.key = weir::EventKey::named("customer"), .subqueue_limit = 2})});
    scheduler.queue().add("rush", 600, weir::match<RushOrder>().make());

    std::puts(
        "Ann orders four meals, Bob two, Eve is in a hurry; one cook needs 3 min for each.\n"
        "The queue holds three orders and is fair between customers:\n");
    Kitchen kitchen(scheduler);
    kitchen.open();
    scheduler.run();
}
