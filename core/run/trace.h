#pragma once

#include "core/event/event.h"
#include "core/event/matcher.h"

namespace weir {

class Routine;
class Subscriber;

/// Sees each step of every event, and which routine runs: the base of recorders and debuggers. The
/// functions are called on the scheduler's thread, and must neither throw nor change anything.
class Tracer {
public:
    virtual ~Tracer() = default;

    /// The event went into its queue; `forced`: whatever the limits.
    virtual void queued(const Event& event, bool forced) { (void)event, (void)forced; }
    /// The queue was full; the sender waits for `signal`.
    virtual void refused(const Event& event, const Matcher& signal) { (void)event, (void)signal; }
    /// The event has left its queue, and is about to be delivered.
    virtual void popped(const Event& event) { (void)event; }
    /// The event is handed to a subscriber that waits for `matcher`; an empty one: the receiver of
    /// the event's type hands it to this subscriber.
    virtual void delivered(const Event& event, const Matcher& matcher, const Subscriber& to) {
        (void)event, (void)matcher, (void)to;
    }
    /// The event was taken out of its queue by Scheduler::withdraw().
    virtual void withdrawn(const Event& event) { (void)event; }
    /// No subscriber has processed the event, and it blocks its queue.
    virtual void blocked(const Event& event) { (void)event; }
    /// A blocked event may leave its queue again.
    virtual void unblocked(const Event& event) { (void)event; }

    /// Another routine runs now, or none (null). A routine that starts or closes another one goes
    /// on when that waits or has ended.
    virtual void running(const Routine* routine) { (void)routine; }
};

}  // namespace weir
