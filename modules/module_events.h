#pragma once

#include <string>

#include "core/event.h"
#include "modules/api_call.h"
#include "modules/json.h"
#include "modules/module_state.h"

namespace weir {

class Module;
class Scheduler;

// A module has come into another state.
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

// Something has happened in a module that others may want to know: `target` is about what,
// usually the module's name, `name` what happened.
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

// A function of a module's API is called. Whoever answers it makes it ignorable first; one that is
// ignorable has been answered or given up.
struct ModuleApiCall : Event {
    Index<const ApiCall*> call;
    Index<std::string> target;  // the module, or "public"
    Index<std::string> function;
    Ref<ApiCall> state;

    static auto declare() {
        return declare_event<ModuleApiCall>("weir.ModuleApiCall")
            .index("call", &ModuleApiCall::call)
            .index("target", &ModuleApiCall::target)
            .index("function", &ModuleApiCall::function)
            .blocking();
    }
};

// A call has been answered; the answer is in its state.
struct ModuleApiReply : Event {
    Index<const ApiCall*> call;
    Ref<ApiCall> state;

    static auto declare() {
        return declare_event<ModuleApiReply>("weir.ModuleApiReply")
            .index("call", &ModuleApiReply::call);
    }
};

// A call, with its state.
Ref<ModuleApiCall> make_call(std::string_view target, std::string_view function,
                             ApiValue parameters, bool wants_json);

// The event that says that the call is answered; null the second time.
Ref<Event> take_reply(const Ref<ApiCall>& call) noexcept;

// Answers a call with an error, at once.
void answer(Scheduler& scheduler, ModuleApiCall& event, ApiError error);

}  // namespace weir
