#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "core/run/scheduler.h"
#include "modules/lock/fencing.h"

namespace weir {

// Returns the folder in which the program keeps its state: `state_dir`, or, if that is null,
// $STATE_DIRECTORY, which systemd sets, else $XDG_STATE_HOME/weir, else ~/.local/state/weir. Empty:
// none. A simulation only uses a folder that is given.
std::filesystem::path state_folder(const Scheduler& scheduler,
                                   const std::optional<std::filesystem::path>& state_dir);

// Returns fencing tokens that start at the clock, and are reserved in the state_folder().
//
// Throws FencingError if a given folder cannot be used. If another one cannot, logs that, and
// tokens only start at the clock.
std::unique_ptr<FencingTokens> program_tokens(
    Scheduler& scheduler, const std::optional<std::filesystem::path>& state_dir);

}  // namespace weir
