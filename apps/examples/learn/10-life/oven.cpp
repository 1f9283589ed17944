// The life of a module: what it does when it is loaded, reloaded and unloaded, and when its
// settings change.
#include <weir/module.h>

using weir::config::setting;
using weir::config::settings;

struct OvenSettings {
    std::chrono::milliseconds baking_time{60'000};

    static weir::config::Settings<OvenSettings> describe() {
        return settings<OvenSettings>(
            "Bakes bread, one loaf after the other",
            setting("baking_time", &OvenSettings::baking_time, "Of a loaf")
                .at_least(std::chrono::milliseconds(1)));
    }
};

// What the next version gets.
struct OvenState {
    static constexpr std::string_view name = "oven";
    static constexpr std::uint32_t version = 1;
    std::uint64_t loaves = 0;
};

class Oven : public weir::ModuleOf<OvenSettings> {
public:
    using ModuleOf::ModuleOf;

    static auto declare() {
        return weir::declare_module<Oven>("oven", "Bakes bread")
            .hands_over<OvenState>(&Oven::hand_over, &Oven::take_over)
            .function("loaves", "How many loaves it has baked, in all versions", &Oven::loaves)
            .reads({"loaves"});
    }

    // Beside the old version, if there is one: opens what it needs, and may wait.
    weir::Task<> load() override {
        co_await weir::sleep(std::chrono::seconds(1));  // heats up
    }

    // In the place of the old version: begins what two versions must not do at a time.
    void begin() override { start(bake(), {.name = "oven.bake", .daemon = true}); }

    void settings_changed(const OvenSettings& before) override {
        log().info("a loaf takes {} ms instead of {} ms from the next one on",
                   settings().baking_time.count(), before.baking_time.count());
    }

    // Nothing of its API runs any more. Its routines still do, and are closed after this.
    weir::Task<> unload() override {
        log().info("has baked {} loaves", loaves_);
        co_return;
    }

private:
    weir::Task<> bake() {
        for (;;) {
            co_await weir::sleep(settings().baking_time);
            ++loaves_;
            co_await weir::sleep(std::chrono::seconds(1));  // takes it out
        }
    }

    OvenState hand_over() { return {loaves_}; }
    void take_over(OvenState& state) { loaves_ = state.loaves; }

    std::uint64_t loaves() const { return loaves_; }

    std::uint64_t loaves_ = 0;
};

WEIR_PLUGIN(oven, Oven)
