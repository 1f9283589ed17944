#pragma once

#include <cassert>
#include <cstddef>
#include <string>
#include <utility>

#include "core/base/clock.h"
#include "core/base/ref.h"
#include "core/run/scheduler.h"
#include "modules/lock/session.h"

namespace weir {

// A session of locks with a time to live, for an owner whose end cannot be seen, such as a caller
// of the module's API. It is known by an id, and expires when it was neither used nor renewed for
// its time to live. The module that keeps it checks left() at next_look() and closes it, which
// gives back its locks.
class LockLease final : public RefCounted<LockLease> {
public:
    // The name is for listings; `user` is whose it is; `opener` counts for what one client has: how
    // many sessions, and how many bytes of locks. Requires a positive time to live.
    LockLease(Scheduler& scheduler, std::string id, std::string name, Duration time_to_live,
              std::string user = {}, std::string opener = {})
        : locks_(scheduler, std::move(name), opener),
          id_(std::move(id)),
          user_(std::move(user)),
          opener_(std::move(opener)),
          time_to_live_(time_to_live),
          end_(scheduler.now() + time_to_live) {
        assert(time_to_live > Duration());
    }

    // While it exists the lease is in use and does not expire; afterwards its time starts anew.
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
    const std::string& user() const noexcept { return user_; }
    const std::string& opener() const noexcept { return opener_; }
    LockSession& locks() noexcept { return locks_; }
    const LockSession& locks() const noexcept { return locks_; }
    Duration time_to_live() const noexcept { return time_to_live_; }

    void renew() noexcept { end_ = locks_.scheduler().now() + time_to_live_; }
    // Returns how long it lasts if it is not used; not positive if it has expired.
    Duration left() const noexcept {
        return uses_ != 0 ? time_to_live_ : end_ - locks_.scheduler().now();
    }
    // The time at which it expires at the earliest: each use makes that later.
    Time next_look() const noexcept { return next_look_; }
    void set_next_look() noexcept { next_look_ = locks_.scheduler().now() + left(); }

private:
    LockSession locks_;
    const std::string id_;
    const std::string user_;
    const std::string opener_;
    const Duration time_to_live_;
    Time end_;
    Time next_look_ = end_;
    std::size_t uses_ = 0;
};

}  // namespace weir
