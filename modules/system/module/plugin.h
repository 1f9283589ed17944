#pragma once

#include <cstdint>
#include <string>

#include "modules/system/module/abi.h"
#include "modules/system/module/module.h"

namespace weir {

// What a plugin shows to the program that opens it, through its one entry point. Plain C.
struct PluginTable {
    std::uint32_t layout;  // of this struct
    AbiTag abi;
    // Returns the module's class. Requires that all of `abi` is equal to own_abi.
    const ModuleClass& (*module_class)();

    static constexpr std::uint32_t current_layout = 2;
};

// The name of the entry point, a function `const PluginTable* ()`, in a plugin <name>.so.
std::string plugin_entry_name(const std::string& name);

// Returns in which field the plugin's ABI differs from this program's: "compiler is 'GCC 13',
// expected 'GCC 12'"; "" if it does not.
std::string abi_difference(const PluginTable& table);

}  // namespace weir

// Defines the entry point of the plugin <name>.so, which brings the module class Type. To be used
// once, outside of namespaces. The name keeps plugins apart that are linked into one program.
#define WEIR_PLUGIN(name, Type)                                                                \
    extern "C" __attribute__((visibility("default")))                                          \
    const weir::PluginTable* weir_plugin_##name() {                                            \
        static const weir::PluginTable table{weir::PluginTable::current_layout, weir::own_abi, \
                                             &weir::module_class<Type>};                       \
        return &table;                                                                         \
    }
