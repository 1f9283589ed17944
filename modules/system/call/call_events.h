#pragma once

#include <string>

#include "core/event/event.h"
#include "modules/system/call/api_call.h"
#include "modules/system/call/api_name.h"

namespace weir {

class Scheduler;

/// A call of a module's function. The code that answers makes the event ignorable first: an event
/// that is ignorable has been answered or given up.
struct ModuleApiCall : Event {
    Index<const ApiCall*> call;
    Index<std::string> target;  // the module, or `public_target`
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

/// Returns the event of a call.
Ref<ModuleApiCall> make_call(const ApiName& name, Ref<ApiCall> state, Time now);

/// Answers a call with an error, at once.
void answer(Scheduler& scheduler, ModuleApiCall& event, ApiError error);

}  // namespace weir
