// A routine: while it runs, the bakery bakes.
#include <weir/module.h>

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

class Bakery : public weir::ModuleOf<BakerySettings> {
public:
    using ModuleOf::ModuleOf;

    static auto declare() {
        return weir::declare_module<Bakery>("bakery", "Bakes bread")
            .function("shelf", "How many loaves there are", &Bakery::shelf);
    }

    weir::Task<> load() override {
        start(bake(), {.name = "bakery.bake", .daemon = true});
        co_return;
    }

private:
    weir::Task<> bake() {
        for (;;) {
            co_await weir::sleep(settings().baking_time);
            ++shelf_;
            log().debug("{} loaves are on the shelf", shelf_);
        }
    }

    int shelf() { return shelf_; }

    int shelf_ = 0;
};

WEIR_PLUGIN(bakery, Bakery)
