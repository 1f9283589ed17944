#pragma once

#include "core/event/event.h"

namespace weir {

// The scheduler's own events, of high priority in the standard queues.
struct SystemControlEvent : Event {
    enum class Type {
        init,   // the scheduler starts
        go_on,  // a round has been polled that somebody waited for with do_events()
        quit,   // the scheduler quits
    };
    Index<Type> type;
    bool daemons_only = false;  // of quit: only daemons are left, and only they are told

    static auto declare() {
        return declare_event<SystemControlEvent>("weir.SystemControlEvent")
            .index("type", &SystemControlEvent::type);
    }
};

// The scheduler's own events of low priority.
struct SystemControlLowPriorityEvent : Event {
    enum class Type {
        loop,  // a round begins; comes when all else has been done
        idle,  // nothing has happened for a while
    };
    Index<Type> type;

    static auto declare() {
        return declare_event<SystemControlLowPriorityEvent>("weir.SystemControlLowPriorityEvent")
            .index("type", &SystemControlLowPriorityEvent::type);
    }
};

}  // namespace weir
