#pragma once

#include <functional>
#include <string>

#include "core/run/task.h"
#include "modules/system/server/loader_parts.h"
#include "modules/system/server/release.h"

namespace weir {

// Lets versions that were replaced leave when they are idle: each in a routine of its own.
class OldVersions {
public:
    // Calls `left` when a version has left.
    OldVersions(LoaderParts& parts, Release& release, std::function<void()> left) noexcept
        : parts_(parts), release_(release), left_(std::move(left)) {}

    // Starts to wait for the end of a version of the table.
    void begin_leaving(LeavingVersion& version);

    // Ends the old versions of a module that is unloaded. Throws UnloadRefused, unless it is
    // forced, with what keeps them.
    Task<> end_all(const ModuleEntry& entry, bool force);

private:
    Task<> leave(LeavingVersion& version);
    Task<> unload(LeavingVersion& version);
    Task<> wait_for(LeavingVersion& version, std::function<bool()> holds);

    LoaderParts& parts_;
    Release& release_;
    const std::function<void()> left_;
};

}  // namespace weir
