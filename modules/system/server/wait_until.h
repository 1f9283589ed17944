#pragma once

#include <functional>
#include <optional>

#include "core/base/clock.h"
#include "core/run/task.h"

namespace weir {

// Returns when the condition holds, of which no code announces that it does: that nothing uses a
// module's code any more, that a module is idle by its own judgement. Where there is such code, use
// a Condition (core/wait/condition.h). It is checked at once, and then less often the longer it
// takes. Returns false if the timeout, counted from now, has passed before.
Task<bool> wait_until(std::function<bool()> holds, std::optional<Duration> timeout = {});

}  // namespace weir
