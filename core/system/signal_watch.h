#pragma once

#include "core/base/ref.h"
#include "core/event/event.h"
#include "core/event/matcher.h"
#include "core/run/system_error.h"
#include "core/run/task.h"
#include "core/system/watch_identity.h"

namespace weir {

class Scheduler;
class SignalState;

/// Sent when this process has got a signal that is watched, once by each watch.
struct SignalEvent : Event {
    Index<int> number;
    Index<const WatchIdentity*> watch;
    Ref<WatchIdentity> identity;

    static auto declare() {
        return declare_event<SignalEvent>("weir.SignalEvent")
            .index("number", &SignalEvent::number)
            .index("watch", &SignalEvent::watch);
    }
};

/// Watches for a signal to this process, instead of its default action.
///
///     SignalWatch hangup(scheduler, SIGHUP);
///     for (;;) {
///         co_await hangup.next();
///         read_settings();
///     }
///
/// Every watch of a signal, in every scheduler of the process, gets it. When the last one is
/// destroyed, the signal has its default action again, whatever it was before. Belongs to the
/// scheduler's thread; the scheduler must outlive it.
class SignalWatch {
public:
    /// With `daemon` the scheduler ends as if the watch was not there. Throws SystemError if the
    /// signal cannot be watched (SIGKILL, SIGSTOP); std::logic_error in a simulation.
    SignalWatch(Scheduler& scheduler, int number, bool daemon = false);
    ~SignalWatch();
    SignalWatch(const SignalWatch&) = delete;
    SignalWatch& operator=(const SignalWatch&) = delete;

    /// Returns when the signal has come since the watch was made or next() returned: at once if it
    /// came meanwhile. Signals that come before a routine has seen them are one, as the system
    /// counts them. One routine at a time.
    Task<> next();

    /// Returns the matcher of the events, the same one each time.
    const MatcherOf<SignalEvent>& matcher() const noexcept;

private:
    Ref<SignalState> state_;
};

}  // namespace weir
