#pragma once

#include <string>

#include "core/event/event.h"
#include "modules/system/module/module_state.h"

namespace weir {

class Module;

// A module has changed its state.
struct ModuleStateEvent : Event {
    Index<std::string> module;
    Index<ModuleState> state;
    // The module; null where it failed before it was made. An identity: it may be gone.
    Index<const Module*> instance;
    std::string reason;

    static auto declare() {
        return declare_event<ModuleStateEvent>("weir.ModuleStateEvent")
            .index("module", &ModuleStateEvent::module)
            .index("state", &ModuleStateEvent::state)
            .index("instance", &ModuleStateEvent::instance);
    }
};

}  // namespace weir
