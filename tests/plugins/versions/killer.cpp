// Ends the process that opens it. Its version says how.
#include <csignal>
#include <stdexcept>

#include <unistd.h>

#include "modules/system/module/plugin.h"
#include "tests/support/plugin_version.h"

namespace {

using weir::test::plugin_version;

struct Killer {
    Killer() {
        if (plugin_version == "crashes") {
            std::raise(SIGSEGV);
        } else if (plugin_version == "exits") {
            _exit(0);
        } else if (plugin_version == "throws") {
            throw std::runtime_error("no handler catches this");
        }
    }
};
const Killer killer;

class Module : public weir::Module {
public:
    using weir::Module::Module;

    static auto declare() {
        if (plugin_version == "undescribed") {
            throw std::logic_error("there is nothing to say");
        }
        return weir::declare_module<Module>("killer", "Kills");
    }
};

}  // namespace

WEIR_PLUGIN(killer, Module)
