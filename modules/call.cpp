#include "modules/call.h"

#include "config/duration.h"
#include "core/container.h"
#include "core/scheduler.h"
#include "core/send.h"
#include "core/timeout.h"
#include "modules/module_events.h"

namespace weir {

namespace {

// Takes back what is left of a call when the routine that made it goes, or its time is over.
class CallGuard {
public:
    CallGuard(Scheduler& scheduler, Ref<ModuleApiCall> event)
        : scheduler_(scheduler), event_(std::move(event)) {}
    CallGuard(const CallGuard&) = delete;
    CallGuard& operator=(const CallGuard&) = delete;
    ~CallGuard() {
        const Ref<ApiCall> state = event_->state;
        if (!state->result) {
            event_->set_ignorable();
            const ApiCall* const identity = state.get();
            scheduler_.ignore(match<ModuleApiCall>(identity).make());
        }
        state->give_up();
    }

private:
    Scheduler& scheduler_;
    Ref<ModuleApiCall> event_;
};

Task<ApiResult<ApiValue>> exchange(Ref<ModuleApiCall> event) {
    const Ref<ApiCall> state = event->state;
    const ApiCall* const identity = state.get();
    Routine& self = co_await this_routine();
    const CallGuard guard(self.scheduler(), event);
    const MatcherOf<ModuleApiReply> reply = match<ModuleApiReply>(identity).make();
    co_await send(std::move(event));
    co_await reply;
    co_return std::move(*state->result);
}

Ref<ModuleApiCall> make_call(std::string target, std::string function, ApiValue parameters,
                             bool wants_json) {
    Ref<ApiCall> state(new ApiCall);
    state->parameters = std::move(parameters);
    state->wants_json = wants_json;
    const ApiCall* const identity = state.get();
    return make_event<ModuleApiCall>(identity, std::move(target), std::move(function),
                                     std::move(state));
}

}  // namespace

namespace detail {

Task<ApiResult<ApiValue>> call(std::string target, std::string function, ApiValue parameters,
                               bool wants_json, std::optional<Duration> timeout) {
    const std::string what = target + "." + function;
    Task<ApiResult<ApiValue>> exchanging = exchange(
        make_call(std::move(target), std::move(function), std::move(parameters), wants_json));
    std::optional<ApiResult<ApiValue>> result =
        co_await execute_with_timeout(timeout, std::move(exchanging));
    if (!result) {
        ApiError error{std::string(ApiError::timeout),
                       "no answer from " + what + " within " + config::duration_text(*timeout)};
        co_return error;
    }
    co_return std::move(*result);
}

ApiError wrong_result(const std::string& target, const std::string& function) {
    return {std::string(ApiError::bad_result),
            "the result of " + target + "." + function + " is not of the type that is expected"};
}

}  // namespace detail

Task<ApiResult<Json>> call(std::string target, std::string function, Json parameters,
                           std::optional<Duration> timeout) {
    Task<ApiResult<ApiValue>> calling = detail::call(
        std::move(target), std::move(function), ApiValue(std::move(parameters)), true, timeout);
    ApiResult<ApiValue> result = co_await calling;
    if (!result) {
        co_return result.error();
    }
    Json* json = result.value().get<Json>();
    co_return json == nullptr ? Json() : std::move(*json);
}

Task<> send_call(std::string target, std::string function, Json parameters) {
    Ref<ModuleApiCall> event =
        make_call(std::move(target), std::move(function), ApiValue(std::move(parameters)), true);
    co_await send(std::move(event));
}

}  // namespace weir
