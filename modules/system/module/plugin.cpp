#include "modules/system/module/plugin.h"

#include <string_view>

namespace weir {

std::string plugin_entry_name(const std::string& name) {
    return "weir_plugin_" + name;
}

std::string abi_difference(const PluginTable& table) {
    if (table.layout != PluginTable::current_layout) {
        return "its entry point has layout " + std::to_string(table.layout) + ", expected " +
               std::to_string(PluginTable::current_layout);
    }
    const auto compare = [](std::string_view field, std::string_view its, std::string_view own) {
        if (its == own) {
            return std::string();
        }
        return std::string(field) + " is '" + std::string(its) + "', expected '" +
               std::string(own) + "'";
    };
    std::string difference = compare("weir", table.abi.weir, own_abi.weir);
    if (difference.empty()) {
        difference = compare("compiler", table.abi.compiler, own_abi.compiler);
    }
    if (difference.empty()) {
        difference = compare("library", table.abi.library, own_abi.library);
    }
    if (difference.empty()) {
        difference = compare("sanitizer", table.abi.sanitizer, own_abi.sanitizer);
    }
    if (difference.empty()) {
        difference = compare("debug", table.abi.debug, own_abi.debug);
    }
    if (difference.empty()) {
        difference = compare("digest of weir's headers", table.abi.headers, own_abi.headers);
    }
    return difference;
}

}  // namespace weir
