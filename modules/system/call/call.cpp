#include "modules/system/call/call.h"

#include <new>

#include "config/settings/duration.h"
#include "core/run/routine.h"
#include "core/run/scheduler.h"
#include "core/wait/send.h"
#include "modules/system/call/json.h"

namespace weir {

namespace detail {

Calling::Calling(std::string_view target, std::string_view function, ApiValue parameters,
                 bool wants_json, std::optional<Duration> timeout, Ref<Caller> caller)
    : event_(make_call(target, function, std::move(parameters), wants_json)), timeout_(timeout) {
    event_->state->caller = std::move(caller);
}

Calling::~Calling() {
    ApiCall& state = *event_->state;
    if (scheduler_ != nullptr && !state.result) {
        event_->set_ignorable();
        // The event that was sent, without asking for memory, and one that it was made into.
        scheduler_->ignore(*event_);
        try {
            const ApiCall* const identity = &state;
            scheduler_->ignore(match<ModuleApiCall>(identity).make());
        } catch (const std::bad_alloc&) {
            // Whoever receives it sees that it is given up.
        }
    }
    state.give_up();
}

void Calling::begin(Routine& routine) {
    scheduler_ = &routine.scheduler();
    if (timeout_) {
        timer_ = scheduler_->set_timer(*timeout_);
        matchers_[1] = timer_.matcher();
    }
    try_to_send();
}

// Either way there is something to wait for then.
void Calling::try_to_send() {
    Matcher signal = scheduler_->try_send(event_);
    sent_ = !signal;
    if (sent_) {
        const ApiCall* const identity = event_->state.get();
        matchers_[0] = match<ModuleApiReply>(identity).make();
    } else {
        matchers_[0] = std::move(signal);
    }
}

Wait::Then Calling::matched(const Ref<Event>&, Subscription& subscription) {
    if (subscription.position != 0) {
        time_is_over_.emplace(
            ApiError{std::string(ApiError::timeout),
                     "no answer from " + callee() + " within " + config::duration_text(*timeout_)});
        return Then::resume;
    }
    if (!sent_) {
        try_to_send();
        return Then::wait_anew;
    }
    return Then::resume;
}

ApiResult<ApiValue>& Calling::await_resume() {
    timer_.cancel();
    check_interrupted();
    return time_is_over_ ? *time_is_over_ : *event_->state->result;
}

const Event* Calling::carries() const noexcept {
    return sent_ ? nullptr : event_.get();
}

std::string Calling::describe() const {
    return sent_ ? "an answer from " + callee() : "a place for " + event_->describe();
}

std::string Calling::callee() const {
    return std::string(event_->target.get()) + "." + std::string(event_->function.get());
}

ApiError Calling::wrong_result() const {
    return {std::string(ApiError::bad_result),
            "the result of " + callee() + " is not of the type that is expected"};
}

}  // namespace detail

Task<ApiResult<Json>> call(std::string target, std::string function, Json parameters,
                           std::optional<Duration> timeout) {
    return call_for({}, std::move(target), std::move(function), std::move(parameters), timeout);
}

Task<ApiResult<Json>> call_for(Ref<Caller> caller, std::string target, std::string function,
                               Json parameters, std::optional<Duration> timeout) {
    detail::Calling calling(target, function, ApiValue(std::move(parameters)), true, timeout,
                            std::move(caller));
    ApiResult<ApiValue>& result = co_await calling;
    if (!result) {
        co_return result.error();
    }
    Json* json = result.value().get<Json>();
    co_return json == nullptr ? Json() : std::move(*json);
}

Task<ApiResult<Json>> call(std::string target, std::string function) {
    return call(std::move(target), std::move(function), Json());
}

Task<> send_call(std::string target, std::string function, Json parameters) {
    Ref<ModuleApiCall> event = make_call(target, function, ApiValue(std::move(parameters)), true);
    co_await send(std::move(event));
}

Task<> send_call(std::string target, std::string function) {
    return send_call(std::move(target), std::move(function), Json());
}

}  // namespace weir
