// a module needs a public constructor that takes a const ModuleContext&

#include <weir/module.h>

class Tea final : public weir::Module {
public:
    static auto declare() { return weir::declare_module<Tea>("tea", "Makes tea"); }
};

WEIR_PLUGIN(tea, Tea)
