#pragma once

#include <string_view>

namespace weir::test {

/// Says how a plugin differs from the others of the same source. Each plugin has its own: a source
/// is compiled once, and linked with a version as often as a test needs; see tests/CMakeLists.txt.
extern const std::string_view plugin_version;

}  // namespace weir::test
