#pragma once

// What differs between the plugins of W11, and what they share.
extern "C" {
extern const char idle_module_name[];
extern const char idle_module_before[];  // the module on which it depends; "": none
// The weir::PluginTable.
const void* idle_module_table();
}
