// A module with a setting.
#include <weir/module.h>

using weir::config::setting;
using weir::config::settings;

struct BakerySettings {
    std::string greeting = "Good morning!";

    static weir::config::Settings<BakerySettings> describe() {
        return settings<BakerySettings>(
            "Bakes bread",
            setting("greeting", &BakerySettings::greeting, "What a customer hears").not_empty());
    }
};

class Bakery : public weir::ModuleOf<BakerySettings> {
public:
    using ModuleOf::ModuleOf;

    static auto declare() {
        return weir::declare_module<Bakery>("bakery", "Bakes bread")
            .function("welcome", "Greets a customer", &Bakery::welcome);
    }

private:
    std::string welcome() { return settings().greeting; }
};

WEIR_PLUGIN(bakery, Bakery)
