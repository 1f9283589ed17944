#pragma once

#include <memory>
#include <string>

#include "modules/system/module/module_class.h"

namespace weir {

// Modules that take the places of real ones, to see how those that depend on them bear it:
//
//     const auto bakery = weir::module_that_hangs("bakery");
//     weir::SimulatedServer world(R"({"server": {"startup": ["cafe"]}})",
//                                 weir::Registry().add(*bakery));
//
// The class must outlive the server.

// Its load() throws std::runtime_error with that text.
std::unique_ptr<ModuleClass> module_that_fails(std::string name, std::string why);
// Its load() does not end before it is unloaded.
std::unique_ptr<ModuleClass> module_that_hangs(std::string name);

}  // namespace weir
