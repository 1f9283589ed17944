// A function with typed parameters, a typed result and an error of its own.
#include <weir/module.h>

using weir::config::setting;
using weir::config::settings;

struct BakerySettings {
    int shelf = 10;
    int price = 3;

    static weir::config::Settings<BakerySettings> describe() {
        return settings<BakerySettings>(
            "Bakes bread",
            setting("shelf", &BakerySettings::shelf, "How many loaves it has").at_least(1).fixed(),
            setting("price", &BakerySettings::price, "Of a loaf").at_least(0));
    }
};

struct Purchase {
    int loaves = 1;

    static weir::config::Settings<Purchase> describe() {
        return settings<Purchase>("Sells bread",
                                  setting("loaves", &Purchase::loaves, "How many").range(1, 100));
    }
};

struct Receipt {
    int loaves = 0;
    int to_pay = 0;

    static weir::config::Settings<Receipt> describe() {
        return settings<Receipt>("What was bought", setting("loaves", &Receipt::loaves, "How many"),
                                 setting("to_pay", &Receipt::to_pay, "For all of them"));
    }
};

class Bakery : public weir::ModuleOf<BakerySettings> {
public:
    using ModuleOf::ModuleOf;

    static auto declare() {
        return weir::declare_module<Bakery>("bakery", "Bakes bread").function("buy", &Bakery::buy);
    }

private:
    Receipt buy(const Purchase& purchase) {
        if (purchase.loaves > shelf_) {
            throw weir::ApiException("sold_out", "only " + std::to_string(shelf_) + " are left");
        }
        shelf_ -= purchase.loaves;
        return {.loaves = purchase.loaves, .to_pay = purchase.loaves * settings().price};
    }

    int shelf_ = settings().shelf;
};

WEIR_PLUGIN(bakery, Bakery)
