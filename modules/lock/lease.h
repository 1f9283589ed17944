#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "core/base/clock.h"
#include "core/base/ref.h"
#include "core/run/scheduler.h"
#include "modules/lock/session.h"

namespace weir {

// A session of locks for an owner that nobody sees end, such as a caller of the module's API: it is
// known by an id, and is over when it was not used, nor renewed, for its time to live. Whoever
// keeps it looks when: closing it gives back its locks.
class LockLease final : public RefCounted<LockLease> {
public:
    // The name is for listings. The time to live is positive.
    LockLease(Scheduler& scheduler, std::string id, std::string name, Duration time_to_live)
        : locks_(scheduler, std::move(name)),
          id_(std::move(id)),
          time_to_live_(time_to_live),
          end_(scheduler.now() + time_to_live) {}

    // While it lives the lease is used, and is not over; afterwards its time begins anew.
    class Use {
    public:
        explicit Use(LockLease& lease) noexcept : lease_(&lease) { ++lease.uses_; }
        Use(const Use&) = delete;
        Use& operator=(const Use&) = delete;
        ~Use() {
            --lease_->uses_;
            lease_->renew();
        }

    private:
        const Ref<LockLease> lease_;
    };

    const std::string& id() const noexcept { return id_; }
    LockSession& locks() noexcept { return locks_; }
    const LockSession& locks() const noexcept { return locks_; }
    Duration time_to_live() const noexcept { return time_to_live_; }

    void renew() noexcept { end_ = locks_.scheduler().now() + time_to_live_; }
    // How long it lasts at least, if nothing happens; not positive if it is over.
    Duration left() const noexcept {
        return uses_ != 0 ? time_to_live_ : end_ - locks_.scheduler().now();
    }

private:
    LockSession locks_;
    const std::string id_;
    const Duration time_to_live_;
    Time end_;
    std::size_t uses_ = 0;
};

}  // namespace weir
