#pragma once

#include "modules/system/module/module_class.h"

namespace weir::scheduling {

// Returns the class of the module `schedule`, for programs that link it in.
const ModuleClass& schedule_class();

}  // namespace weir::scheduling
