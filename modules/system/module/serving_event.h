#pragma once

#include "core/event/event.h"

namespace weir {

class Module;

// A module has stopped to take calls, as its serving() says: it unloads, or a new version takes its
// place as soon as no call is under way. Or it takes calls again, because that was refused. Calls
// that wait for something else wait for this, too, and return. Sent only if something waits for it.
struct ModuleServing : Event {
    Index<const Module*> instance;  // an identity: it may be gone

    static auto declare() {
        return declare_event<ModuleServing>("weir.ModuleServing")
            .index("instance", &ModuleServing::instance);
    }
};

}  // namespace weir
