#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace weir {

class Routine;
class Scheduler;

struct WaitReportOptions {
    // Of more texts than these the last one says how many routines are left out.
    std::size_t most = 100;
    // Whether daemons are shown, too.
    bool daemons = true;
    // Returns the module that a routine belongs to, "" if it belongs to none.
    std::function<std::string(const Routine&)> module_of = {};
};

// Returns where the routines of a scheduler wait, for people. Routines that were started at the
// same line and wait at the same line share a text; it describes the one that has waited longest:
//
//     200 routines of 'chat': 'client' started at chat.cpp:40, waits at session.cpp:80 for [...],
//     for 12 s
//
// The most numerous come first.
std::vector<std::string> wait_report(Scheduler& scheduler, const WaitReportOptions& options = {});

}  // namespace weir
