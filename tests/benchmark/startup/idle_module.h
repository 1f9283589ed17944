#pragma once

/// What each plugin of W11 defines itself, and what all of them share.
extern "C" {
extern const char idle_module_name[];
extern const char idle_module_before[];  // the module on which it depends; "": none
// The weir::PluginTable.
const void* idle_module_table();
}
