// a setting, parameter or result is a bool, a number, a std::string, an enum with names_of()

#include <complex>

#include <weir/module.h>

struct TeaSettings {
    std::complex<double> strength;

    static auto describe() {
        using namespace weir::config;
        return settings<TeaSettings>(
            "Makes tea", setting("strength", &TeaSettings::strength, "How strong the tea is"));
    }
};

class Tea final : public weir::ModuleOf<TeaSettings> {
public:
    using ModuleOf::ModuleOf;

    static auto declare() { return weir::declare_module<Tea>("tea", "Makes tea"); }
};

WEIR_PLUGIN(tea, Tea)
