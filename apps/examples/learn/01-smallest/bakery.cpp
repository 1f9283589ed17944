// The smallest complete module.
#include <weir/module.h>

class Bakery : public weir::Module {
public:
    using Module::Module;

    static auto declare() {
        return weir::declare_module<Bakery>("bakery", "Bakes bread")
            .function("welcome", "Greets a customer", &Bakery::welcome);
    }

private:
    std::string welcome() { return "Good morning!"; }
};

WEIR_PLUGIN(bakery, Bakery)
