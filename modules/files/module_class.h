#pragma once

#include "modules/system/module/module_class.h"

namespace weir::files {

// Returns the class of the module `files`, for programs that link it in.
const ModuleClass& files_class();

}  // namespace weir::files
