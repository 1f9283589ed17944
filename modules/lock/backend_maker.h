#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "core/run/scheduler.h"
#include "core/run/task.h"
#include "modules/lock/backend.h"

namespace weir {

// What a backend learns of the module `lock` that it decides for.
struct LockBackendHost {
    Scheduler& scheduler;
    std::string module;                              // its name
    std::optional<std::filesystem::path> state_dir;  // its setting; see state_folder()
};

// Makes backends of one kind from their settings. A library of backends exports a constant of this
// type with C linkage, by whose name the module `lock` finds it: the module opens the library when
// its settings name such a backend, and needs no other.
template <class Settings>
struct LockBackendMaker {
    // Throws what the constructor of the backend throws, or fails with it.
    Task<std::unique_ptr<LockBackend>> (*make)(LockBackendHost host, Settings settings);
};

}  // namespace weir
