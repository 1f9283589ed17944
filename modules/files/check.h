#pragma once

#include "modules/system/module/app_check.h"

namespace weir::files {

// Reports what is wrong with the settings beside what their description says: files that two tails
// would write, what has no effect. Warns of folders that are missing.
void check_app(const AppCheck& app);

}  // namespace weir::files
