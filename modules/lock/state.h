#pragma once

#include <cstdint>
#include <exception>
#include <string>

#include "core/base/clock.h"
#include "core/base/list.h"
#include "core/base/pool.h"
#include "core/base/ref.h"
#include "core/event/index_value.h"
#include "core/run/routine.h"

namespace weir {

class LockContext;
class LockKey;
class LockQueue;
class LockTable;
struct LockEvent;

struct LockState;

// What the locks of a session know of it; see LockSession.
struct SessionRecord {
    const std::string name;
    bool closed = false;
    std::size_t held = 0;  // locks
    List<LockState, SessionRecord> locks = {};
};

// The owner of a lock: the session for which it was made, or else the routine that asked for it.
// Neither, for a lock that is taken outside of all routines.
struct LockOwner {
    Ref<Routine> routine;
    SessionRecord* session = nullptr;

    const void* identity() const noexcept {
        return session != nullptr ? static_cast<const void*>(session) : routine.get();
    }
    // For logs and listings: 'name' started at file:line; session 'name'.
    std::string describe() const;
};

// The state of one Lock: whether it is held, by which owner, with which token. Its guards and
// events refer to it as well, so that it may outlive the Lock. The links are those of the key's
// holders, of the queue's seats and of the session's locks.
struct LockState final : pool::Pooled,
                         Link<LockState, LockKey>,
                         Link<LockState, LockQueue>,
                         Link<LockState, SessionRecord>,
                         RefCounted<LockState> {
    LockState(Ref<LockTable> in_table, Ref<LockContext> in_context, IndexValue on_key,
              SessionRecord* of_session);
    ~LockState();

    // Takes the lock back from its holder, if it is held. Never fails.
    void unlock() noexcept;
    // Whether it takes a slot in a queue, which it may do for a while after the unlock.
    bool in_queue() const noexcept {
        return seated_in != nullptr || (event != nullptr && event_is_queued());
    }

    bool locked = false;
    bool seat_blocks = false;
    bool session_closed = false;
    const Ref<LockTable> table;
    const Ref<LockContext> context;
    const IndexValue key;
    Ref<LockKey> place;                // as the table resolved the context and key last
    std::uint64_t resolved_at = 0;     // the table's generation then
    LockEvent* event = nullptr;        // by which it takes a slot in a queue
    LockQueue* seated_in = nullptr;    // where it has a seat in place of an event
    std::uint64_t arrival = 0;         // among the blocked events
    LockQueue* queue = nullptr;        // that takes its events; null: another kind of queue does
    std::uint64_t queue_found_at = 0;  // the shape of the queue tree then
    SessionRecord* session = nullptr;  // that it was made for; null once that is closed
    LockOwner owner;                   // while it is held
    Time since{};                      // held since then
    std::uint64_t token = 0;           // of the grant
    std::exception_ptr begin_error;    // why what was begun could not be taken

private:
    bool event_is_queued() const noexcept;
};

// For messages: lock 'key' in context 'name'.
std::string describe_lock(const LockState& state);

}  // namespace weir
