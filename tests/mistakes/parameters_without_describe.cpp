// the struct of a function's parameters needs a static describe()

#include <weir/module.h>

struct Cup {
    int size = 0;
};

class Tea final : public weir::Module {
public:
    using Module::Module;

    static auto declare() {
        return weir::declare_module<Tea>("tea", "Makes tea").function("pour", "Pours", &Tea::pour);
    }
    void pour(Cup) {}
};

WEIR_PLUGIN(tea, Tea)
