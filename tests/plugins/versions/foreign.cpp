// Claims to have been built by another compiler, or with other headers.
#include "modules/system/module/plugin.h"
#include "tests/support/plugin_version.h"

namespace {

const weir::ModuleClass& never_called() {
    std::terminate();
}

}  // namespace

extern "C" const weir::PluginTable* weir_plugin_foreign() {
    static weir::PluginTable table{weir::PluginTable::current_layout, weir::own_abi, &never_called};
    if (weir::test::plugin_version == "headers") {
        table.abi.headers = "0123456789abcdef";
    } else {
        table.abi.compiler = "Turbo C 2";
    }
    return &table;
}
