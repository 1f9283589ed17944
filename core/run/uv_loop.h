#pragma once

#include <uv.h>

namespace weir {

class Scheduler;

/// Returns the loop of libuv on which the scheduler runs, for code that opens handles of its own:
/// uv_signal_t, uv_fs_event_t, a library that is built on libuv. Throws std::logic_error if the
/// scheduler does not run on libuv, as in a simulation.
///
/// The loop belongs to the scheduler's thread. A handle's callback may send events
/// (Scheduler::emergency_send), start routines, and must not throw. Close a handle before its
/// memory is freed, and free it in the callback of uv_close: that runs in a later poll. uv_unref a
/// handle that shall not keep the scheduler running. A module's library stays in memory as long as
/// the loop has a handle that was opened with one of its functions; the error of the unloading
/// names the handle.
uv_loop_t& loop_of(Scheduler& scheduler);

}  // namespace weir
