#pragma once

#include <string>
#include <vector>

#include "core/base/sanitizer.h"

namespace weir {

class Server;

/// Returns what is still alive in a server whose modules are all unloaded, one readable line each:
/// routines with the line where each waits, handlers, timers, queued and blocked events, queues
/// that were added since the server was made, and libraries of plugins that could not be unloaded.
///
/// `queues_before`: paths of the queues that may exist.
std::vector<std::string> what_lives(Server& server, const std::vector<std::string>& queues_before);

/// Returns the paths of all queues of the server, as queue_path() names them.
std::vector<std::string> queue_paths(Server& server);

/// Returns the private copies of plugins that are mapped into this process.
std::vector<std::string> mapped_plugins();

/// Under a sanitizer plugins stay in memory, so that its reports have names.
#if defined(WEIR_SANITIZE_ADDRESS) || defined(WEIR_SANITIZE_THREAD)
inline constexpr bool plugins_stay = true;
#else
inline constexpr bool plugins_stay = false;
#endif

}  // namespace weir
