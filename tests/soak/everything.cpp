// A module with one of everything that a module can have: a setting, an API, routines, timers, a
// queue, events that block it, matchers with predicates, handlers, a hold.
#include <chrono>
#include <memory>

#include "core/run/event_handler.h"
#include "core/wait/send.h"
#include "core/wait/timeout.h"
#include "modules/system/module/plugin.h"

namespace {

using std::chrono::hours;

struct Parcel : weir::Event {
    weir::Index<int> number;
    std::string content;

    static auto declare() {
        return weir::declare_event<Parcel>("soak.Parcel")
            .index("number", &Parcel::number)
            .blocking();
    }
};

struct EverythingSettings {
    int parcels = 8;

    static weir::config::Settings<EverythingSettings> describe() {
        return weir::config::settings<EverythingSettings>(
            "Has one of everything",
            weir::config::setting("parcels", &EverythingSettings::parcels, "How many"));
    }
};

struct Weigh {
    int number = 0;

    static weir::config::Settings<Weigh> describe() {
        return weir::config::settings<Weigh>(
            "Weighs a parcel", weir::config::setting("number", &Weigh::number, "Which"));
    }
};

class Everything : public weir::ModuleOf<EverythingSettings> {
public:
    explicit Everything(const weir::ModuleContext& context)
        : ModuleOf(context), handler_(context.scheduler) {}

    static auto declare() {
        return weir::declare_module<Everything>("everything", "Has one of everything")
            .event<Parcel>()
            .function("weigh", &Everything::weigh)
            .function("sleep", "Does not end", &Everything::sleep_long);
    }

    weir::Task<> load() override {
        add_queue(scheduler().queue(), "parcels", 500, weir::match<Parcel>().make());
        timer_ = scheduler().set_timer(hours(1), hours(1));
        co_return;
    }

    void begin() override {
        start(carry(), {.name = "carry", .daemon = true, .foreground = true});
        for (int i = 0; i != settings().parcels; ++i) {
            start(wait(i), {.name = "wait", .daemon = true});
            start(post(i), {.name = "post", .daemon = true});
        }
        handler_.handle(weir::match<Parcel>(-1).make(),
                        [this](const weir::Ref<weir::Event>&) { ++carried_; });
    }

private:
    weir::Task<int> weigh(Weigh parameters) {
        weir::Ref<weir::Event> parcel = weir::make_event<Parcel>(-1, std::string(100, 'x'));
        parcel->set_ignorable();
        co_await weir::send(std::move(parcel));
        co_return parameters.number + 1;
    }

    weir::Task<> sleep_long() { co_await weir::sleep(hours(1)); }

    weir::Task<> carry() {
        const auto parcel = co_await weir::match<Parcel>(0);
        parcel->set_ignorable();
        ++carried_;
        co_await weir::sleep(hours(1));
    }

    weir::Task<> wait(int number) {
        const auto parcels =
            weir::match<Parcel>()
                .where([number](const Parcel& parcel) { return parcel.number.get() == -number; })
                .make();
        for (;;) {
            co_await parcels;
        }
    }

    // All but the first block the queue until the module is unloaded.
    weir::Task<> post(int number) {
        weir::Ref<weir::Event> parcel = weir::make_event<Parcel>(number, std::string(100, 'x'));
        co_await weir::send(std::move(parcel));
        co_await weir::sleep(hours(1));
    }

    weir::EventHandler handler_;
    weir::Timer timer_;
    int carried_ = 0;
};

}  // namespace

WEIR_PLUGIN(everything, Everything)
