// a function of a module's API is a member function that takes nothing, or one struct

#include <weir/module.h>

class Tea final : public weir::Module {
public:
    using Module::Module;

    static auto declare() {
        return weir::declare_module<Tea>("tea", "Makes tea").function("pour", "Pours", &Tea::pour);
    }
    void pour(int, std::string) {}
};

WEIR_PLUGIN(tea, Tea)
