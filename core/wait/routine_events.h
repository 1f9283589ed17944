#pragma once

#include "core/base/ref.h"
#include "core/event/event.h"
#include "core/run/routine.h"

namespace weir {

/// Reports a change of a routine.
struct RoutineControlEvent : Event {
    enum class Type {
        delegate_finished,  ///< a routine of delegate() or execute_all() has ended
    };
    Index<Type> type;
    Index<const Routine*> routine;
    Ref<Routine> keep;  ///< keeps the routine's address from being reused

    static auto declare() {
        return declare_event<RoutineControlEvent>("weir.RoutineControlEvent")
            .index("type", &RoutineControlEvent::type)
            .index("routine", &RoutineControlEvent::routine);
    }
};

}  // namespace weir
