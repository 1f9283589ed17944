#include "modules/module_events.h"

#include "core/scheduler.h"

namespace weir {

Ref<ModuleApiReply> make_reply(const Ref<ApiCall>& call) {
    const ApiCall* const identity = call.get();
    return make_event<ModuleApiReply>(identity, call);
}

void answer(Scheduler& scheduler, ModuleApiCall& event, ApiError error) {
    event.set_ignorable();
    event.state->parameters = {};
    event.state->result.emplace(std::move(error));
    scheduler.emergency_send(make_reply(event.state));
}

}  // namespace weir
