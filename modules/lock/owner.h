#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/base/list.h"
#include "core/base/ref.h"
#include "core/event/index_value.h"
#include "core/run/routine.h"

namespace weir {

struct LockState;

// A lock that was taken away from a session; see LockLost.
struct LostLock {
    std::string context;
    IndexValue key;
    std::uint64_t token = 0;
    std::string reason;
};

// Is told when a session has lost a lock, at once.
class LockLossListener {
public:
    // Must neither close the session nor take a lock in it.
    virtual void lock_lost(const LostLock& lost) noexcept = 0;

protected:
    ~LockLossListener() = default;
};

// What the locks of a session know of it; see LockSession.
struct SessionRecord {
    const std::string name;
    bool closed = false;
    Claims claims = {};
    List<LockState, SessionRecord> locks = {};
    LockLossListener* listener = nullptr;
};

// The owner of a lock: the session for which it was made, or else the routine that asked for it.
// Neither, for a lock that is taken outside of all routines.
struct LockOwner {
    Ref<Routine> routine;
    SessionRecord* session = nullptr;

    const void* identity() const noexcept {
        return session != nullptr ? static_cast<const void*>(session) : routine.get();
    }
    // Null for code outside of routines.
    Claims* claims() const noexcept {
        return session != nullptr ? &session->claims : routine ? &routine->claims() : nullptr;
    }
    // For logs and listings: 'name' started at file:line; session 'name'.
    std::string describe() const {
        if (session != nullptr) {
            return "session '" + session->name + "'";
        }
        return routine != nullptr ? routine->describe() : "code outside of routines";
    }
};

}  // namespace weir
