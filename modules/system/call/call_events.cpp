#include "modules/system/call/call_events.h"

#include "core/run/scheduler.h"

namespace weir {

Ref<ModuleApiCall> make_call(std::string_view target, std::string_view function,
                             ApiValue parameters, bool wants_json) {
    Ref<ApiCall> state(new ApiCall);
    state->parameters = std::move(parameters);
    state->wants_json = wants_json;
    const ApiCall* const identity = state.get();
    state->reply = make_event<ModuleApiReply>(identity);
    return make_event<ModuleApiCall>(identity, target, function, std::move(state));
}

Ref<Event> take_reply(const Ref<ApiCall>& call) noexcept {
    Ref<Event> reply = std::move(call->reply);
    if (reply != nullptr) {
        reply->as<ModuleApiReply>().state = call;
    }
    return reply;
}

void answer(Scheduler& scheduler, ModuleApiCall& event, ApiError error) {
    event.set_ignorable();
    event.state->parameters = {};
    event.state->result.emplace(std::move(error));
    if (const Ref<Event> reply = take_reply(event.state)) {
        scheduler.emergency_send(reply);
    }
}

}  // namespace weir
