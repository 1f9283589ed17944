#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <source_location>
#include <utility>

#include "core/base/clock.h"
#include "core/base/list.h"
#include "modules/lock/backend.h"
#include "modules/lock/key.h"
#include "modules/lock/owner.h"
#include "modules/lock/state.h"

namespace weir {

struct WaitingOwner;

// A waiter for a lock, in the line of the lock's key.
class LockRequest : public Link<LockRequest, LockKey>, public Link<LockRequest, WaitingOwner> {
public:
    LockState& state() const noexcept { return *state_; }
    const LockOwner& owner() const noexcept { return owner_; }
    Time since() const noexcept { return since_; }
    // The line of its co_await.
    const std::source_location& waits_at() const noexcept { return waits_at_; }
    // Unique in a table; larger for later waiters.
    std::uint64_t serial() const noexcept { return serial_; }
    // How many waiters of other processes stand before it, roughly; see RemoteSlot.
    std::size_t ahead() const noexcept { return remote_ == nullptr ? 0 : remote_->ahead(); }
    // Whether it is known that the key is not free: other waiters stand before it, or the backend
    // has said so.
    bool is_known_taken() const noexcept { return remote_ == nullptr || remote_->is_known_taken(); }
    // Whether its owner is the routine that waits here. Such an owner waits for nothing else,
    // unless it has begun to take other locks.
    bool is_owners_only() const noexcept { return owner_.session == nullptr && !owner_given_; }

    // Whether it is in the line only to learn from a backend whether the key is free.
    virtual bool only_tries() const noexcept = 0;

    // Called when the lock is held; the waiter has left the line.
    virtual void granted() noexcept = 0;
    // Ends a wait that only tries: it leaves the line.
    virtual void not_free() noexcept = 0;
    // Ends the wait with an error: it leaves the line.
    virtual void fail(std::exception_ptr error) noexcept = 0;
    // Called when the Lock is destroyed.
    virtual void lock_is_gone() noexcept = 0;

protected:
    explicit LockRequest(LockState& state) noexcept : state_(&state) {}
    LockRequest(LockState& state, LockOwner owner) noexcept
        : state_(&state), owner_(std::move(owner)), owner_given_(true) {}
    ~LockRequest() = default;

    LockState* state_;  // null once the Lock is destroyed
    LockOwner owner_;   // moves to the event when the lock is granted
    Time since_{};
    std::source_location waits_at_;
    const bool owner_given_ = false;  // its owner is not the routine that waits

private:
    friend class LockTable;

    std::uint64_t serial_ = 0;
    std::unique_ptr<RemoteSlot> remote_;  // asked for, if there is a backend and it is its turn
};

}  // namespace weir
