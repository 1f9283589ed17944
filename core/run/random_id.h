#pragma once

#include <string>

#include "core/run/poller.h"

namespace weir {

// Returns 16 random hexadecimal digits, to name a session or a recording. Two ids of one process
// are equal by chance only (2^-64), and an id of an earlier process is not given out again.
std::string random_id(Poller& poller);

}  // namespace weir
