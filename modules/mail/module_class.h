#pragma once

#include "modules/system/module/module_class.h"

namespace weir::mail {

// Returns the class of the module `mail`, for programs that link it in.
const ModuleClass& mail_class();

}  // namespace weir::mail
