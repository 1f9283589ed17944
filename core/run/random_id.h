#pragma once

#include <string>

#include "core/run/poller.h"

namespace weir {

// Returns 16 random hexadecimal digits, to name a session or a recording. Two ids of one process
// are equal by chance only (2^-64), and an id of an earlier process is not given out again. Outside
// of simulations they come from the system, and cannot be guessed from others: an id that gives
// rights is made of two. Throws std::runtime_error if the system has no random numbers.
std::string random_id(Poller& poller);

}  // namespace weir
