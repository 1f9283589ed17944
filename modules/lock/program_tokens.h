#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "core/run/scheduler.h"
#include "modules/lock/fencing.h"

namespace weir {

// Returns fencing tokens that start at the clock, and are reserved in a folder: in `state_dir`, or,
// if that is null, in $STATE_DIRECTORY, which systemd sets, else in $XDG_STATE_HOME/weir, else in
// ~/.local/state/weir. An empty path means no folder. A simulation only uses a folder that is
// given.
//
// Throws FencingError if a given folder cannot be used. If another one cannot, logs that, and
// tokens only start at the clock.
std::unique_ptr<FencingTokens> program_tokens(
    Scheduler& scheduler, const std::optional<std::filesystem::path>& state_dir);

}  // namespace weir
