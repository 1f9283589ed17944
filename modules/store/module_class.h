#pragma once

#include "modules/system/module/module_class.h"

namespace weir::store {

// Returns the class of the module `store`, for programs that link it in.
const ModuleClass& store_class();

}  // namespace weir::store
