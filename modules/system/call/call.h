#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "core/base/clock.h"
#include "core/run/task.h"
#include "core/run/timer.h"
#include "core/run/wait.h"
#include "modules/system/call/api_result.h"
#include "modules/system/call/api_value.h"
#include "modules/system/call/call_events.h"

namespace weir {

/// The timeout of a call that gives none.
inline constexpr Duration default_call_timeout = std::chrono::seconds(120);

namespace detail {

// A call. Sends its event when it is awaited; its destructor withdraws the event and unwinds the
// function, if it still runs.
class Calling final : public Wait {
public:
    Calling(std::string_view target, std::string_view function, ApiValue parameters,
            bool wants_json, std::optional<Duration> timeout, Ref<Caller> caller = {});
    ~Calling();

    template <InRoutine Promise>
    void await_suspend(std::coroutine_handle<Promise> coroutine,
                       const std::source_location& at = std::source_location::current()) {
        begin(*coroutine.promise().routine);
        Wait::await_suspend(coroutine, at);
    }
    // Returns the result; valid as long as this object.
    ApiResult<ApiValue>& await_resume();

    std::span<const Matcher> matchers() const noexcept override {
        return {matchers_.data(), timeout_ ? matchers_.size() : 1};
    }
    Then matched(const Ref<Event>& event, Subscription& subscription) override;
    const Event* carries() const noexcept override;
    std::string describe() const override;

    ApiError wrong_result() const;

private:
    void begin(Routine& routine);
    void try_to_send();
    std::string callee() const;

    const Ref<ModuleApiCall> event_;
    const std::optional<Duration> timeout_;
    Scheduler* scheduler_ = nullptr;   // null until it is awaited
    std::array<Matcher, 2> matchers_;  // of a free slot, then of the reply; of the timer
    Timer timer_;
    bool sent_ = false;
    std::optional<ApiResult<ApiValue>> time_is_over_;
};

}  // namespace detail

/// Calls a function of a module and returns its result or an error:
///
///     const Json parameters{{"pattern", "db*"}};
///     const ApiResult<Json> locks = co_await call("lock", "list", parameters);
///
/// The call is an event: it waits while the module is loading or being reloaded, and while too many
/// calls to it are under way. Returns the error `timeout` if all of that takes longer than the
/// time. A caller that is closed cancels the call. Requires a routine of the server's scheduler.
Task<ApiResult<Json>> call(std::string target, std::string function, Json parameters,
                           std::optional<Duration> timeout = default_call_timeout);
/// The same without parameters.
Task<ApiResult<Json>> call(std::string target, std::string function);

/// The same with the C++ struct P that the function takes, and its result of type R; nothing is
/// converted on the way:
///
///     const Acquire acquire{.key = "a"};
///     const ApiResult<Ticket> ticket = co_await call<Ticket>("lock", "acquire", acquire);
///
/// The parameters have a name of their own because g++ 12 destroys an aggregate that is made in an
/// awaited expression twice. Returns the error `bad_parameter` or `bad_result` if the function
/// takes or returns another type.
template <class R, class P>
    requires(!std::is_same_v<P, Json> && config::Described<P>)
Task<ApiResult<R>> call(std::string target, std::string function, P parameters,
                        std::optional<Duration> timeout = default_call_timeout) {
    detail::Calling calling(target, function, ApiValue::of(std::move(parameters)), false, timeout);
    ApiResult<ApiValue>& result = co_await calling;
    if (!result) {
        co_return result.error();
    }
    if constexpr (std::is_void_v<R>) {
        co_return ApiResult<void>();
    } else {
        R* value = result.value().template get<R>();
        if (value == nullptr) {
            co_return calling.wrong_result();
        }
        co_return std::move(*value);
    }
}

/// Calls a function for a caller outside, by its rights: returns the error `denied` if the caller
/// may not call it. A protocol that hands on what its clients ask for calls by this.
Task<ApiResult<Json>> call_for(Ref<Caller> caller, std::string target, std::string function,
                               Json parameters,
                               std::optional<Duration> timeout = default_call_timeout);

/// Calls a function and drops its result. Returns when the queue has taken the call.
Task<> send_call(std::string target, std::string function, Json parameters);
Task<> send_call(std::string target, std::string function);

}  // namespace weir
