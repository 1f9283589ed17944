#pragma once

#include <string>

#include "core/event/event.h"
#include "modules/system/call/json.h"

namespace weir {

// Tells other modules what has happened in a module: `target` says about what, usually the module's
// name, `name` what happened.
struct ModuleNotification : Event {
    Index<std::string> target;
    Index<std::string> name;
    Json content;

    static auto declare() {
        return declare_event<ModuleNotification>("weir.ModuleNotification")
            .index("target", &ModuleNotification::target)
            .index("name", &ModuleNotification::name);
    }
};

}  // namespace weir
