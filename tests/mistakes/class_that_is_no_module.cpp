// a module derives from weir::Module, or from weir::ModuleOf<its settings>

#include <weir/module.h>

class Tea final {
public:
    static auto declare() { return weir::declare_module<Tea>("tea", "Makes tea"); }
};

WEIR_PLUGIN(tea, Tea)
