#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "core/clock.h"
#include "core/task.h"
#include "modules/api_result.h"
#include "modules/api_value.h"

namespace weir {

// How long a call may take if nothing else is said.
inline constexpr Duration default_call_timeout = std::chrono::seconds(120);

namespace detail {

Task<ApiResult<ApiValue>> call(std::string target, std::string function, ApiValue parameters,
                               bool wants_json, std::optional<Duration> timeout);

ApiError wrong_result(const std::string& target, const std::string& function);

}  // namespace detail

// Calls a function of a module: co_await call("lock", "list", {{"pattern", "db*"}}). The call is an
// event; it waits while the module is loading or being reloaded, and while too many calls to it
// are under way. Ends with the function's result or an error; with `timeout` if that, all in all,
// takes longer than the time. Whoever calls and goes away ends what runs for the call.
//
// To be awaited in a routine of the scheduler of the server.
Task<ApiResult<Json>> call(std::string target, std::string function, Json parameters = {},
                           std::optional<Duration> timeout = default_call_timeout);

// The same for parameters that are known as the C++ struct P that the function takes, and a
// result of type R: co_await call<Ticket>("lock", "acquire", Acquire{.key = "a"}). Nothing is
// converted on the way. The error is `bad_parameter` or `bad_result` if the function takes or
// gives another type.
template <class R, class P>
    requires(!std::is_same_v<P, Json> && config::Described<P>)
Task<ApiResult<R>> call(std::string target, std::string function, P parameters,
                        std::optional<Duration> timeout = default_call_timeout) {
    Task<ApiResult<ApiValue>> calling =
        detail::call(target, function, ApiValue::of(std::move(parameters)), false, timeout);
    ApiResult<ApiValue> result = co_await calling;
    if (!result) {
        co_return result.error();
    }
    if constexpr (std::is_void_v<R>) {
        co_return ApiResult<void>();
    } else {
        R* value = result.value().template get<R>();
        if (value == nullptr) {
            co_return detail::wrong_result(target, function);
        }
        co_return std::move(*value);
    }
}

// Calls without waiting for the answer, which is dropped. Returns when the queue has taken the
// call.
Task<> send_call(std::string target, std::string function, Json parameters = {});

}  // namespace weir
