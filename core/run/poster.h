#pragma once

#include <functional>
#include <memory>

namespace weir {

class Mailbox;
class Scheduler;

/// The one way into a scheduler from other threads. A handle: copies are the same. Made on the
/// scheduler's thread; used, copied and destroyed on any thread, also after the scheduler.
///
///     Poster poster(scheduler);
///     std::thread worker([poster, &scheduler] {
///         poster.post([&scheduler] { scheduler.emergency_send(make_event<Done>()); });
///     });
///
/// As long as a Poster lives, the scheduler does not end because nothing can happen any more. It
/// still ends when only daemons are left, or when it quits. In a Simulation, where there are no
/// other threads, only a post that is on its way counts as something that can happen.
///
/// Make events in the posted function. An event may be made on the other thread only if no
/// reference to it, or to what it refers to with a Ref, stays there: references are not counted
/// atomically. Matchers, queues and routines stay on the scheduler's thread.
class Poster {
public:
    /// With `daemon` the scheduler ends as if the Poster was not there.
    explicit Poster(Scheduler& scheduler, bool daemon = false);

    /// Lets the scheduler call the function on its thread, in the next poll, outside of any
    /// routine. The function may send events and start routines; an exception that leaves it is
    /// logged. The functions that one thread posts are called in that order. Returns false if the
    /// scheduler has been destroyed. A function that has not been called when the scheduler is
    /// destroyed is dropped.
    bool post(std::function<void()> function) const;

private:
    struct Keeper;

    std::shared_ptr<Mailbox> mailbox_;      // shared with the scheduler and other Posters
    std::shared_ptr<const Keeper> keeper_;  // shared by the copies; null: a daemon
};

}  // namespace weir
