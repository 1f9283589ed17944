#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace weir {

class Scheduler;

// Returns where the routines of a scheduler wait, for people. Routines that were started at the
// same line and wait at the same line share a text; it describes the one that has waited longest:
//
//     200 routines: 'client' started at server.cpp:40, waits at session.cpp:80 for a lock, for 12 s
//
// The most numerous come first. Of more than `most` texts the last one says how many are left out.
std::vector<std::string> wait_report(Scheduler& scheduler, std::size_t most = 100);

}  // namespace weir
