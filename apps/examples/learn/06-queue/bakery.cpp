// A queue for orders, fair between customers: a customer with too many orders waits.
#include <weir/module.h>

#include "order.h"

using weir::config::setting;
using weir::config::settings;

struct BakerySettings {
    std::chrono::milliseconds baking_time{10'000};

    static weir::config::Settings<BakerySettings> describe() {
        return settings<BakerySettings>(
            "Bakes bread", setting("baking_time", &BakerySettings::baking_time, "Of a loaf")
                               .at_least(std::chrono::milliseconds(1)));
    }
};

struct OrderParameters {
    std::string customer;
    int loaves = 1;

    static weir::config::Settings<OrderParameters> describe() {
        return settings<OrderParameters>(
            "Orders bread",
            setting("customer", &OrderParameters::customer, "Name of the customer").required(),
            setting("loaves", &OrderParameters::loaves, "How many").range(1, 100));
    }
};

class Bakery : public weir::ModuleOf<BakerySettings> {
public:
    using ModuleOf::ModuleOf;

    static auto declare() {
        return weir::declare_module<Bakery>("bakery", "Bakes bread")
            .event<Order>()
            .queue<Order>("bakery.orders", 500,
                          {.max_default = 10,
                           .kind = weir::FairQueue::factory(
                               {.key = weir::EventKey::named("customer"), .subqueue_limit = 2})})
            .function("order", &Bakery::order)
            .function("baked", "How many loaves were baked so far", &Bakery::baked);
    }

    weir::Task<> load() override {
        start(bake(), {.name = "bakery.bake", .daemon = true});
        co_return;
    }

private:
    weir::Task<> order(OrderParameters parameters) {
        co_await weir::send(weir::make_event<Order>(parameters.customer, parameters.loaves));
    }

    weir::Task<> bake() {
        const weir::MatcherOf<Order> any_order = weir::match<Order>();
        for (;;) {
            const weir::Ref<Order> order = co_await any_order;
            order->set_ignorable();  // processed: no longer blocks its queue
            co_await weir::sleep(order->loaves * settings().baking_time);
            baked_ += order->loaves;
        }
    }

    int baked() { return baked_; }

    int baked_ = 0;
};

WEIR_PLUGIN(bakery, Bakery)
