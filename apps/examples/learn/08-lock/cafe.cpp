// A lock: guests take turns at the only coffee machine.
#include <weir/json.h>
#include <weir/lock.h>
#include <weir/module.h>

using weir::config::setting;
using weir::config::settings;

struct CafeSettings {
    std::chrono::milliseconds coffee_time{30'000};

    static weir::config::Settings<CafeSettings> describe() {
        return settings<CafeSettings>("Serves breakfast",
                                      setting("coffee_time", &CafeSettings::coffee_time, "Of a cup")
                                          .at_least(std::chrono::milliseconds(1)));
    }
};

struct Breakfast {
    std::string guest;

    static weir::config::Settings<Breakfast> describe() {
        return settings<Breakfast>(
            "Serves breakfast",
            setting("guest", &Breakfast::guest, "Name of the guest").required());
    }
};

class Cafe : public weir::ModuleOf<CafeSettings> {
public:
    using ModuleOf::ModuleOf;

    static auto declare() {
        return weir::declare_module<Cafe>("cafe", "Serves breakfast")
            .depends_on("bakery")
            .depends_on("lock")
            .function("breakfast", &Cafe::breakfast);
    }

private:
    weir::Task<std::string> breakfast(Breakfast parameters) {
        const weir::Json order{{"customer", "cafe"}, {"loaves", 2}};
        const weir::ApiResult<weir::Json> ordered = co_await weir::call("bakery", "order", order);
        if (!ordered) {
            throw weir::ApiException(ordered.error());
        }
        co_await make_coffee();
        co_return "Enjoy your meal, " + parameters.guest + "!";
    }

    weir::Task<> make_coffee() {
        weir::Lock machine(scheduler(), "coffee machine", "cafe");
        const weir::LockGuard held = co_await machine.acquire();
        if (weir::failpoint(*this, "cafe.no-beans", 0.3)) {
            co_await weir::sleep(std::chrono::minutes(5));  // the cook buys some
        }
        co_await weir::sleep(settings().coffee_time);
    }
};

WEIR_PLUGIN(cafe, Cafe)
