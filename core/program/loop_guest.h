#pragma once

#include <functional>

#include <uv.h>

#include "core/base/clock.h"

namespace weir {

class Scheduler;
class UvPoller;

/// Runs a scheduler on a loop that its owner runs: a program that is built on libuv already, or a
/// Node addon. Replaces Scheduler::run():
///
///     UvPoller poller(loop);
///     Scheduler scheduler(poller);
///     ... start routines ...
///     LoopGuest guest(poller, scheduler, [] { /* the run has ended */ });
///     uv_run(&loop, UV_RUN_DEFAULT);  // the owner's, in any mode and as often as it likes
///
/// The scheduler works in callbacks of the loop, before and after the loop waits. The guest keeps
/// the loop alive until its run ends, for the same reasons for which Scheduler::run() returns. Any
/// other active handle in the loop, the owner's included, counts as something that can happen. Two
/// guests on one loop therefore never end only because nothing can happen. On the loop's thread
/// only.
class LoopGuest {
public:
    /// The poller and the scheduler, which must use the poller, must outlive the guest. Calls
    /// `ended` once, in a callback of the loop, when the run has ended; `ended` may destroy the
    /// guest.
    LoopGuest(UvPoller& poller, Scheduler& scheduler, std::function<void()> ended = {});
    /// Ends the run if it has not ended: closes routines that still wait, and does not call
    /// `ended`.
    ~LoopGuest();
    LoopGuest(const LoopGuest&) = delete;
    LoopGuest& operator=(const LoopGuest&) = delete;

    bool running() const noexcept { return handles_ != nullptr; }

private:
    struct Handles;

    void turn(bool polled);
    bool can_happen() const noexcept;
    void end() noexcept;

    UvPoller& poller_;
    Scheduler& scheduler_;
    std::function<void()> ended_;
    Handles* handles_;  // freed when the loop has closed them
    bool begun_ = false;
    Time last_round_{};
};

}  // namespace weir
