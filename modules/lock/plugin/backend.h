#pragma once

#include <memory>

#include "modules/lock/backend_maker.h"
#include "modules/lock/plugin/module_settings.h"

namespace weir {

// Makes the backend that the settings name, from its library, which is opened for it and stays in
// memory. Fails with std::runtime_error if that library is missing, or as the backend's maker.
Task<std::unique_ptr<LockBackend>> make_backend(LockBackendHost host,
                                                const LockModuleSettings::Backend& chosen);

}  // namespace weir
