#pragma once

#include <memory>
#include <string>

#include "modules/system/module/module_class.h"

namespace weir {

/// Fake modules that replace real ones, to test how the modules that depend on them react:
///
///     const auto bakery = weir::module_that_hangs("bakery");
///     weir::SimulatedServer world(R"({"server": {"startup": ["cafe"]}})",
///                                 weir::Registry().add(*bakery));
///
/// The class must outlive the server.

/// Returns a module whose load() throws std::runtime_error with the text `why`.
std::unique_ptr<ModuleClass> module_that_fails(std::string name, std::string why);
/// Returns a module whose load() waits until the module is unloaded.
std::unique_ptr<ModuleClass> module_that_hangs(std::string name);

}  // namespace weir
