#pragma once

#include <functional>

#include <uv.h>

#include "core/base/clock.h"

namespace weir {

class Scheduler;
class UvPoller;

// A run of a scheduler on a loop that somebody else runs: a program that is built on libuv already,
// or a Node addon. Instead of Scheduler::run:
//
//     UvPoller poller(loop);
//     Scheduler scheduler(poller);
//     ... start routines ...
//     LoopGuest guest(poller, scheduler, [] { /* the run has ended */ });
//     uv_run(&loop, UV_RUN_DEFAULT);  // the owner's, in whatever mode and as often as it likes
//
// All the scheduler does happens in callbacks of the loop, before it waits and after it has. It
// keeps the loop alive until its run ends, for the same reasons as Scheduler::run returns; what
// else is alive in the loop, the owner's too, counts as something that can happen; thus of two
// guests on one loop neither ends only because nothing can happen.
class LoopGuest {
public:
    // The poller and the scheduler, which must use it, must outlive this. `ended` is called once,
    // in a callback of the loop, when the run has ended; there, the guest may be destroyed.
    LoopGuest(UvPoller& poller, Scheduler& scheduler, std::function<void()> ended = {});
    // Ends the run, if it has not ended: routines that still wait are closed, `ended` is not
    // called.
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
    Handles* handles_;  // free themselves when the loop has closed them
    bool begun_ = false;
    Time last_round_{};
};

}  // namespace weir
