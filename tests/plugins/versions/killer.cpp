// Ends the process that opens it. VERSION, given by the build, says how.
#include <csignal>
#include <stdexcept>
#include <string_view>

#include <unistd.h>

#include "modules/system/module/plugin.h"

namespace {

constexpr std::string_view version = VERSION;

struct Killer {
    Killer() {
        if (version == "crashes") {
            std::raise(SIGSEGV);
        } else if (version == "exits") {
            _exit(0);
        } else if (version == "throws") {
            throw std::runtime_error("no handler catches this");
        }
    }
};
const Killer killer;

class Module : public weir::Module {
public:
    using weir::Module::Module;

    static auto declare() {
        if (version == "undescribed") {
            throw std::logic_error("there is nothing to say");
        }
        return weir::declare_module<Module>("killer", "Kills");
    }
};

}  // namespace

WEIR_PLUGIN(killer, Module)
