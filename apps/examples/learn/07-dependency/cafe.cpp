// A module that depends on another one and calls it.
#include <weir/json.h>
#include <weir/module.h>

using weir::config::setting;
using weir::config::settings;

struct Breakfast {
    std::string guest;

    static weir::config::Settings<Breakfast> describe() {
        return settings<Breakfast>(
            "Serves breakfast",
            setting("guest", &Breakfast::guest, "Name of the guest").required());
    }
};

class Cafe : public weir::Module {
public:
    using Module::Module;

    static auto declare() {
        return weir::declare_module<Cafe>("cafe", "Serves breakfast")
            .depends_on("bakery")
            .function("breakfast", &Cafe::breakfast);
    }

private:
    weir::Task<std::string> breakfast(Breakfast parameters) {
        const weir::Json order{{"customer", "cafe"}, {"loaves", 2}};
        const weir::ApiResult<weir::Json> ordered = co_await weir::call("bakery", "order", order);
        if (!ordered) {
            throw weir::ApiException(ordered.error());
        }
        co_return "Enjoy your meal, " + parameters.guest + "!";
    }
};

WEIR_PLUGIN(cafe, Cafe)
