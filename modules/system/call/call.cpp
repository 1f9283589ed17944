#include "modules/system/call/call.h"

#include <cassert>
#include <new>

#include "config/settings/duration.h"
#include "core/run/container.h"
#include "core/run/routine.h"
#include "core/run/scheduler.h"
#include "core/wait/send.h"
#include "modules/system/call/call_span.h"
#include "modules/system/call/caller.h"
#include "modules/system/call/json.h"

namespace weir {

// What a call owns whose caller does not wait.
struct SentCall {
    explicit SentCall(Json given) : parameters(std::move(given)) {
        slots.parameters = &parameters;
        slots.parameters_type = &api_type_of<Json>();
    }
    Json parameters;
    CallSlots slots;
};

ApiCall::ApiCall() noexcept : call(this) {}
ApiCall::~ApiCall() = default;

const Caller& ApiCall::client_or_inside() const noexcept {
    return client == nullptr ? Caller::inside() : *client;
}

namespace detail {

void Calling::begin(Routine& routine) {
    assert(scheduler_ == nullptr);  // a call is awaited once
    scheduler_ = &routine.scheduler();
    Ref<ApiCall> state = make_event<ApiCall>();
    state->slots = &slots_;
    state->caller = this;
    if (client_ != nullptr) {
        state->client = Ref<Caller>(client_);
    }
    if (routine.trace_context() != nullptr) [[unlikely]] {
        begin_span(*state, routine);
    }
    event_ = make_call(name_, std::move(state), scheduler_->time_of_round());
    if (timeout_) {
        deadline_.set(*scheduler_, *timeout_, *this);
    }
    try_to_send();
}

void Calling::try_to_send() {
    signal_ = scheduler_->try_send(event_);
}

Wait::Then Calling::matched(const Ref<Event>&, Subscription&) {
    try_to_send();
    return Then::wait_anew;
}

void Calling::time_is_over() noexcept {
    timed_out_ = true;
    resume();
}

bool Calling::finish() {
    withdraw();
    check_interrupted();
    if (timed_out_) {
        slots_.error.emplace(
            std::string(ApiError::timeout),
            "no answer from " + to_text(name_) + " within " + config::duration_text(*timeout_));
        return false;
    }
    if (slots_.state == CallSlots::State::other_type) {
        slots_.error.emplace(
            std::string(ApiError::bad_result),
            "the result of " + to_text(name_) + " is not of the type that is expected");
    }
    return slots_.state == CallSlots::State::value;
}

void Calling::withdraw() noexcept {
    const Ref<ModuleApiCall> event = std::exchange(event_, nullptr);
    if (event == nullptr) {
        return;
    }
    deadline_.cancel();
    ApiCall& state = *event->state;
    state.slots = nullptr;
    state.caller = nullptr;
    if (slots_.state == CallSlots::State::pending) {
        event->set_ignorable();
        if (state.trace != nullptr && state.statistics == nullptr) {  // no module has taken it
            end_span(state, name_.target, name_.function, *scheduler_,
                     timed_out_ ? ApiError::timeout : "cancelled");
        }
        // The event that was sent, without asking for memory, and one that it was made into.
        scheduler_->ignore(*event);
        try {
            const ApiCall* const identity = &state;
            scheduler_->ignore(match<ModuleApiCall>(identity).make());
        } catch (const std::bad_alloc&) {
            // Its receiver sees that it is given up.
        }
    }
    if (const Ref<Routine> callee = std::exchange(state.callee, nullptr)) {
        callee->close();
    }
}

const Event* Calling::carries() const noexcept {
    return signal_ ? event_.get() : nullptr;
}

std::string Calling::describe() const {
    return signal_ ? "room in a queue for " + event_->describe()
                   : "an answer from " + to_text(name_);
}

namespace {

Json& json_in(void* memory) noexcept {
    return *std::launder(static_cast<Json*>(memory));
}

}  // namespace

JsonCall::JsonCall(ApiName name, Json parameters, std::optional<Duration> timeout,
                   Ref<Caller> client)
    : Calling(std::move(name), timeout), kept_client_(std::move(client)) {
    static_assert(sizeof(Memory) >= sizeof(Json) && alignof(Memory) >= alignof(Json));
    client_ = kept_client_.get();
    slots_.parameters = ::new (parameters_.data()) Json(std::move(parameters));
    slots_.parameters_type = &api_type_of<Json>();
    slots_.result = result_.data();
    slots_.result_type = &api_type_of<Json>();
}

JsonCall::JsonCall(ApiName name, JsonText parameters, std::optional<Duration> timeout,
                   Ref<Caller> client)
    : JsonCall(std::move(name), Json(), timeout, std::move(client)) {
    text_ = std::move(parameters);
    slots_.parameters = &text_;
    slots_.parameters_type = &json_text_api_type();
}

JsonCall::~JsonCall() {
    withdraw();
    json_in(parameters_.data()).~Json();
    if (slots_.state == CallSlots::State::value) {
        json_in(result_.data()).~Json();
    }
}

ApiResult<Json> JsonCall::await_resume() {
    if (!finish()) {
        return *std::move(slots_.error);
    }
    return std::move(json_in(result_.data()));
}

}  // namespace detail

detail::JsonCall call(ApiName name, Json parameters, std::optional<Duration> timeout) {
    return {std::move(name), std::move(parameters), timeout};
}

detail::JsonCall call(std::string_view target, std::string_view function, Json parameters,
                      std::optional<Duration> timeout) {
    return {ApiName(target, function), std::move(parameters), timeout};
}

detail::JsonCall call(std::string_view target, std::string_view function) {
    return {ApiName(target, function), Json(), default_call_timeout};
}

detail::JsonCall call_for(Ref<Caller> client, ApiName name, Json parameters,
                          std::optional<Duration> timeout) {
    return {std::move(name), std::move(parameters), timeout, std::move(client)};
}

detail::JsonCall call_for(Ref<Caller> client, ApiName name, JsonText parameters,
                          std::optional<Duration> timeout) {
    return {std::move(name), std::move(parameters), timeout, std::move(client)};
}

Task<> send_call(std::string target, std::string function, Json parameters) {
    Ref<ApiCall> state = make_event<ApiCall>();
    state->sent = std::make_unique<SentCall>(std::move(parameters));
    state->slots = &state->sent->slots;
    const Time now = (co_await this_routine()).scheduler().time_of_round();
    co_await send(make_call(ApiName(target, function), std::move(state), now));
}

Task<> send_call(std::string target, std::string function) {
    return send_call(std::move(target), std::move(function), Json());
}

}  // namespace weir
