#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>

#include "core/base/list.h"
#include "core/base/pool.h"
#include "core/base/ref.h"
#include "core/event/index_value.h"
#include "modules/lock/events.h"
#include "modules/lock/owner.h"

namespace weir {

class LockRequest;

// What begin_lock began: another routine that takes the lock.
struct LockBeginning : pool::Pooled {
    Ref<Routine> routine;
    std::exception_ptr error;  // why the lock could not be taken
};

// What a Lock knows: the key that it is on, and the event by which it is held. The link is that of
// the session's locks.
struct LockState : Link<LockState, SessionRecord> {
    const Ref<LockHome> home;
    const Ref<LockContext> context;
    const IndexValue key;
    Ref<LockKey> place;                // as the table resolved context and key last
    std::uint64_t resolved_at = 0;     // the table's generation then
    Ref<LockEvent> event;              // of the grant, or the latest attempt; null: none so far
    const bool reads;                  // it is held together with others that read
    SessionRecord* session = nullptr;  // that it was made for; null once that is closed
    bool session_closed = false;
    std::uint32_t waiting = 0;  // requests for it in the line of its key
    std::unique_ptr<LockBeginning> beginning;
    List<LockRequest, LockKey> waiting_for_beginning;

    LockState(LockHome& in, Ref<LockContext> in_context, IndexValue&& on_key, bool to_read,
              SessionRecord* of_session) noexcept
        : home(&in),
          context(std::move(in_context)),
          key(std::move(on_key)),
          reads(to_read),
          session(of_session) {}
    LockState(const LockState&) = delete;
    LockState& operator=(const LockState&) = delete;

    // The fencing token of the latest grant; 0 before the first.
    std::uint64_t token() const noexcept { return event == nullptr ? 0 : event->token; }
    bool held() const noexcept { return event != nullptr && event->held; }
    // The same for code that is about to take it: a lock whose time is over is lost first.
    bool check_held() noexcept {
        if (!held()) {
            return false;
        }
        if (event->valid()) [[likely]] {
            return true;
        }
        home->lose(*event);
        return false;
    }
    void give_back() noexcept {
        if (event != nullptr) {
            event->give_back();
        }
    }
};

// For messages: lock 'key' in context 'name'.
std::string describe_lock(const IndexValue& key, const std::string& context);
std::string describe_lock(const LockState& state);

}  // namespace weir
