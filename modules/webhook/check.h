#pragma once

#include "modules/system/module/app_check.h"

namespace weir::webhook {

// Reports what is wrong with the settings beside what their description says: secrets that stand in
// the file, paths that are taken, addresses that are none.
void check_app(const AppCheck& app);

}  // namespace weir::webhook
