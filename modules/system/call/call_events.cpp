#include "modules/system/call/call_events.h"

#include "core/run/scheduler.h"
#include "modules/system/call/api_function.h"
#include "modules/system/call/call_span.h"
#include "modules/system/call/call_statistics.h"

namespace weir {

std::string to_text(const ApiName& name) {
    return std::string(name.target.get()) + '.' + std::string(name.function.get());
}

Ref<Event> ApiCall::take_reply() noexcept {
    return Ref<Event>(std::exchange(answered, true) ? nullptr : this);
}

void ApiCall::received() noexcept {
    if (caller != nullptr) {
        caller->resume();
    }
}

namespace {

// Returns the code of the error with which a call has ended; "" if it has a result.
std::string_view error_of(const CallSlots* slots) noexcept {
    if (slots == nullptr) {
        return "cancelled";
    }
    switch (slots->state) {
        case CallSlots::State::value:
            return "";
        case CallSlots::State::error:
            return slots->error->code;
        case CallSlots::State::other_type:
            return ApiError::bad_result;
        case CallSlots::State::pending:
            break;
    }
    return ApiError::rejected;
}

}  // namespace

void ApiCall::count(const ApiFunction& function, Scheduler& scheduler) const noexcept {
    statistics->time.record(scheduler.time_of_round() - called_at);
    if (slots == nullptr || slots->state != CallSlots::State::value) {
        ++statistics->failed;
    }
    if (trace != nullptr) [[unlikely]] {
        end_span(*this, module, function.name, scheduler, error_of(slots));
    }
}

Ref<ModuleApiCall> make_call(const ApiName& name, Ref<ApiCall> state, Time now) {
    state->called_at = now;
    const Index<const ApiCall*>& identity = state->call;
    return make_event<ModuleApiCall>(identity, name.target, name.function, std::move(state));
}

void answer(Scheduler& scheduler, ModuleApiCall& event, ApiError error) {
    event.set_ignorable();
    if (event.state->trace != nullptr) {
        end_span(*event.state, event.target, event.function, scheduler, error.code);
    }
    if (CallSlots* const slots = event.state->slots) {
        slots->fail(std::move(error));
    }
    if (const Ref<Event> reply = event.state->take_reply()) {
        scheduler.emergency_send(reply);
    }
}

}  // namespace weir
