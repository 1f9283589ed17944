#pragma once

#include <string>
#include <vector>

namespace weir {

class PluginLibrary;
class Routine;
class Scheduler;

// Returns what of a scheduler needs the code or the constants of a library, one line each for
// people. Everything is found by address. Found are
//
//   routines    with a coroutine in it, started by it, waiting in it, owned by a container of it,
//   or
//               serving a connection whose protocol is in it
//   matchers    with a predicate in it
//   handlers    with a function in it, and subscribers of a class of it
//   queues      of a kind of it
//   events      of its types, in queues, carried by routines that wait to send, or kept elsewhere;
//               calls with its parameters or results, futures of its types
//   functions   that were posted from other threads
//   work        on other threads, and handles of the loop
//   the tracer  if its class is in it
//
// Not found is what other code keeps of the library without telling the scheduler: for that there
// is Module::hold. Takes time in proportion to all that there is.
std::vector<std::string> users_of_code(Scheduler& scheduler, const PluginLibrary& library);

// Drops the library's events that are in queues. For a library that no new version replaces.
void drop_events_of(Scheduler& scheduler, const PluginLibrary& library);

// Closes the routines that need the library.
void close_routines_of(Scheduler& scheduler, const PluginLibrary& library);

// Returns "'name' started at file:line, waits at file:line for what". The line is that of the
// innermost coroutine in the library, if one is given, else of the innermost coroutine.
std::string describe_wait(const Routine& routine, const PluginLibrary* library = nullptr);

}  // namespace weir
