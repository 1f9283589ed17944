#pragma once

#include <string>
#include <string_view>

#include "core/event/event.h"
#include "modules/system/call/api_call.h"

namespace weir {

class Scheduler;

/// A call of a module's function. The code that answers makes the event ignorable first: an event
/// that is ignorable has been answered or given up.
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

/// The answer to a call; its state holds the result.
struct ModuleApiReply : Event {
    Index<const ApiCall*> call;
    Ref<ApiCall> state;

    static auto declare() {
        return declare_event<ModuleApiReply>("weir.ModuleApiReply")
            .index("call", &ModuleApiReply::call);
    }
};

/// Returns the event of a call, with its state.
Ref<ModuleApiCall> make_call(std::string_view target, std::string_view function,
                             ApiValue parameters, bool wants_json);

/// Returns the event that answers the call; null the second time.
Ref<Event> take_reply(const Ref<ApiCall>& call) noexcept;

/// Answers a call with an error, at once.
void answer(Scheduler& scheduler, ModuleApiCall& event, ApiError error);

}  // namespace weir
