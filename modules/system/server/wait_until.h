#pragma once

#include <functional>
#include <optional>

#include "core/base/clock.h"
#include "core/run/task.h"

namespace weir {

// Returns when the condition holds. It is checked at once, and then less often the longer it takes.
// Returns false if the timeout, counted from now, has passed before.
Task<bool> wait_until(std::function<bool()> holds, std::optional<Duration> timeout = {});

}  // namespace weir
