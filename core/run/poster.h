#pragma once

#include <functional>
#include <memory>

namespace weir {

class Mailbox;
class Scheduler;

// The one way into a scheduler from other threads. A handle: copies are the same. Made on the
// scheduler's thread; used, copied and destroyed on any, also when the scheduler is gone.
//
//     Poster poster(scheduler);
//     std::thread worker([poster, &scheduler] {
//         poster.post([&scheduler] { scheduler.emergency_send(make_event<Done>()); });
//     });
//
// While there is one, the scheduler does not end for lack of anything that can happen; it ends as
// usual when only daemons are left, or when it quits. In a Simulation, where there are no other
// threads, that needs a post that is on its way.
//
// Events are best made in the posted function. One may be made on the other thread if nothing
// there keeps a reference to it, nor to what it refers to with a Ref: references are not counted
// safely between threads. Matchers, queues and routines stay on the scheduler's thread.
class Poster {
public:
    // With `daemon` it does not keep the scheduler from ending.
    explicit Poster(Scheduler& scheduler, bool daemon = false);

    // Calls the function soon on the scheduler's thread, in its own context, outside of any
    // routine: there it may send events and start routines. What one thread posts is called in that
    // order; an exception is logged. Returns false if the scheduler is gone; if it goes before the
    // function has been called, or is not run again, the function is dropped without a call.
    bool post(std::function<void()> function) const;

private:
    struct Keeper;

    std::shared_ptr<Mailbox> mailbox_;      // shared with the scheduler and other Posters
    std::shared_ptr<const Keeper> keeper_;  // shared by the copies; null: a daemon
};

}  // namespace weir
