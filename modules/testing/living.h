#pragma once

#include <string>
#include <vector>

namespace weir {

class Server;

// What is alive in a server of which all modules are unloaded, one line each for people: routines
// with the line where each waits, handlers, timers, queued and blocked events, queues that were not
// there when the server was made, libraries of plugins that the loader could not let go.
//
// `queues_before`: paths of the queues that may be there.
std::vector<std::string> what_lives(Server& server, const std::vector<std::string>& queues_before);

// The paths of all queues of the server, as queue_path() says them.
std::vector<std::string> queue_paths(Server& server);

// The private copies of plugins that are in the memory of this process.
std::vector<std::string> mapped_plugins();

// Under a sanitizer plugins stay in memory on purpose, so that its reports have names.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool plugins_stay = true;
#else
inline constexpr bool plugins_stay = false;
#endif

}  // namespace weir
