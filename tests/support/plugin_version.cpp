#include "tests/support/plugin_version.h"

// Defined before any code of the plugin runs, that of static objects too.
constinit const std::string_view weir::test::plugin_version = VERSION;
