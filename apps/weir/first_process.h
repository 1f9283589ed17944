#pragma once

namespace weir::app {

// The first process of a container (PID 1) has duties that no other has: all orphans become its
// children, and stay zombies until it reaps them. A server knows only its own children, so `weir
// run` becomes two processes there: the first one reaps, passes all signals on, and ends as the
// second one does, which is the server.
//
// Returns in the server's process, and in any process that is not the first; in the first one it
// does not return. Requires that the process has one thread. Throws std::system_error if there
// can be no second process.
void split_first_process();

}  // namespace weir::app
