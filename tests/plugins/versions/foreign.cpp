// Claims to have been built by another compiler.
#include "modules/system/module/plugin.h"

namespace {

const weir::ModuleClass& never_called() {
    std::terminate();
}

}  // namespace

extern "C" const weir::PluginTable* weir_plugin_foreign() {
    static weir::PluginTable table{weir::PluginTable::current_layout, weir::own_abi, &never_called};
    table.abi.compiler = "Turbo C 2";
    return &table;
}
