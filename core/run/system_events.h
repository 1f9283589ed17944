#pragma once

#include "core/event/event.h"

namespace weir {

class Scheduler;

/// The scheduler's own events, of high priority in the standard queues.
struct SystemControlEvent : Event {
    enum class Type {
        init,   ///< the scheduler starts
        go_on,  ///< a poll has ended, and a routine has yielded with do_events()
        quit,   ///< the scheduler quits
    };
    Index<Type> type;
    bool daemons_only = false;       ///< of quit: only daemons quit
    Scheduler* scheduler = nullptr;  ///< of go_on, until it is received: it resumes who yielded

    /// Resumes the routines that wait in a NextRound.
    void received() noexcept;

    static auto declare() {
        return declare_event<SystemControlEvent>("weir.SystemControlEvent")
            .index("type", &SystemControlEvent::type);
    }
};

/// The scheduler's own events of low priority.
struct SystemControlLowPriorityEvent : Event {
    enum class Type {
        loop,  ///< sent at the beginning of each round, and processed after all other events
        idle,  ///< nothing has happened for a while
    };
    Index<Type> type;

    static auto declare() {
        return declare_event<SystemControlLowPriorityEvent>("weir.SystemControlLowPriorityEvent")
            .index("type", &SystemControlLowPriorityEvent::type);
    }
};

}  // namespace weir
