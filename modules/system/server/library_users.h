#pragma once

#include <string>
#include <vector>

namespace weir {

class PluginLibrary;
class Routine;
class Scheduler;

// What of a scheduler needs the code or the constants of a library, one line each for people:
// routines with a coroutine in it, matchers with a predicate in it, handlers with a function in it,
// events of its types, in queues, waiting for a place, or kept by whoever got them, and calls with
// its parameters or results.
// Takes time in proportion to all that there is.
std::vector<std::string> users_of_code(const Scheduler& scheduler, const PluginLibrary& library);

// Drops the events of the library that are in queues: for a library that nobody replaces.
void drop_events_of(Scheduler& scheduler, const PluginLibrary& library);

// Closes the routines that have a coroutine in the library, or were started by it.
void close_routines_of(Scheduler& scheduler, const PluginLibrary& library);

// 'name' started at file:line, waits at file:line for what. The line is that of the innermost
// coroutine in the library, if one is given, else of the innermost.
std::string describe_wait(const Routine& routine, const PluginLibrary* library = nullptr);

}  // namespace weir
