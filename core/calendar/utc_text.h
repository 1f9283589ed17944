#pragma once

#include <optional>
#include <string>

#include "core/simulation/wall_clock.h"

namespace weir {

/// Returns a time as text, in UTC, without a fraction: "2026-12-24T18:00:00Z".
std::string utc_text(WallTime time);
/// Returns the time that such a text says; nothing if it is none.
std::optional<WallTime> time_from_utc_text(const std::string& text);

}  // namespace weir
