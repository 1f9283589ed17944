#pragma once

#include <string_view>

#include "config/settings/configuration.h"

namespace weir {

// Reads the configuration of a test's server from JSON. `plugin_path`: folders of plugins,
// separated by ':', which `server.plugin_path` of the text overrides; "": none. Throws
// std::invalid_argument with all problems.
config::Configuration read_app_text(std::string_view text, std::string_view plugin_path,
                                    config::Environment environment = {});

}  // namespace weir
