#pragma once

#include "modules/system/module/module_class.h"

namespace weir::jobs {

// Returns the class of the module `queue`, for programs that link it in.
const ModuleClass& queue_class();

}  // namespace weir::jobs
