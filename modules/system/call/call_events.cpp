#include "modules/system/call/call_events.h"

#include "core/run/scheduler.h"
#include "modules/system/call/call_statistics.h"

namespace weir {

std::string to_text(const ApiName& name) {
    return std::string(name.target.get()) + '.' + std::string(name.function.get());
}

Ref<Event> ApiCall::take_reply() noexcept {
    if (reply != nullptr) {
        reply->as<ModuleApiReply>().state = Ref<ApiCall>(this);
    }
    return std::move(reply);
}

void ModuleApiReply::received() noexcept {
    if (state != nullptr && state->caller != nullptr) {
        state->caller->resume();
    }
}

void ApiCall::count(Time now) const noexcept {
    statistics->time.record(now - called_at);
    if (slots == nullptr || slots->state != CallSlots::State::value) {
        ++statistics->failed;
    }
}

Ref<ModuleApiCall> make_call(const ApiName& name, Ref<ApiCall> state, Time now) {
    const ApiCall* const identity = state.get();
    state->called_at = now;
    state->reply = make_event<ModuleApiReply>(identity);
    return make_event<ModuleApiCall>(identity, name.target, name.function, std::move(state));
}

void answer(Scheduler& scheduler, ModuleApiCall& event, ApiError error) {
    event.set_ignorable();
    if (CallSlots* const slots = event.state->slots) {
        slots->fail(std::move(error));
    }
    if (const Ref<Event> reply = event.state->take_reply()) {
        scheduler.emergency_send(reply);
    }
}

}  // namespace weir
