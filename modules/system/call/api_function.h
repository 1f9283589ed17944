#pragma once

#include <concepts>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>

#include "config/settings/settings.h"
#include "core/run/task.h"
#include "modules/system/call/api_result.h"
#include "modules/system/call/api_value.h"

namespace weir {

class Module;

// The parameters of a function that has none.
struct NoParameters {
    static config::Settings<NoParameters> describe() { return config::settings<NoParameters>(""); }
};

// One function of a module's API: what is known about it, and how it is run. Made from a member
// function of the module by `declare_module`; immutable.
class ApiFunction {
public:
    // Runs the function: ends with its result, as JSON if that is wanted, or throws what went
    // wrong.
    using Run = std::function<Task<ApiValue>(Module& module, ApiValue parameters, bool wants_json)>;
    // Whether the function takes a call with these parameters.
    using Criteria = std::function<bool(const Module& module, ApiValue& parameters)>;

    std::string name;
    std::string sentence;                                 // what it does, without a full stop
    const config::Description* parameters = nullptr;      // null: any JSON
    std::string result;                                   // the name of the type; "" for none
    const config::Description* result_members = nullptr;  // if the result is, or holds, a struct
    bool is_public = false;  // may be called at the target "public" too
    Run run;
    Criteria criteria;  // empty: takes all
};

// Reads parameters from JSON: an object, or null for no parameters. Throws ApiException with
// `bad_parameter`, naming each parameter that is wrong.
void read_parameters(const config::Description& description, const Json& json, void* parameters);

namespace detail {

// What of its type an API function's result is: T of T, Task<T>, ApiResult<T>, Task<ApiResult<T>>.
template <class T>
struct Unwrapped {
    using type = T;
};
template <class T>
struct Unwrapped<Task<T>> : Unwrapped<T> {};
template <class T>
struct Unwrapped<ApiResult<T>> : Unwrapped<T> {};

template <class T>
inline constexpr bool is_task = false;
template <class T>
inline constexpr bool is_task<Task<T>> = true;

template <class T>
inline constexpr bool is_api_result = false;
template <class T>
inline constexpr bool is_api_result<ApiResult<T>> = true;

// The parts of a member function's type.
template <class F>
struct MemberFunction;
template <class M, class R>
struct MemberFunction<R (M::*)()> {
    using Class = M;
    using Parameters = NoParameters;
    using Result = R;
    static constexpr bool takes_parameters = false;
};
template <class M, class R, class P>
struct MemberFunction<R (M::*)(P)> {
    using Class = M;
    using Parameters = std::remove_cvref_t<P>;
    using Result = R;
    static constexpr bool takes_parameters = true;
};
template <class M, class R>
struct MemberFunction<R (M::*)() const> : MemberFunction<R (M::*)()> {};
template <class M, class R, class P>
struct MemberFunction<R (M::*)(P) const> : MemberFunction<R (M::*)(P)> {};

[[noreturn]] void throw_other_parameters();

template <class P>
P take_parameters(ApiValue& value) {
    if (P* typed = value.get<P>()) {
        return std::move(*typed);
    }
    if constexpr (!std::is_same_v<P, Json>) {
        P result{};
        if (const Json* json = value.get<Json>()) {
            read_parameters(config::description_of<P>(), *json, &result);
            return result;
        }
        if (value.type() == nullptr) {
            read_parameters(config::description_of<P>(), Json(), &result);
            return result;
        }
    }
    throw_other_parameters();
}

template <class T>
ApiValue give_result(T value, bool wants_json) {
    if constexpr (is_api_result<T>) {
        if constexpr (std::is_void_v<typename Unwrapped<T>::type>) {
            value.value();
            return ApiValue(Json());
        } else {
            return give_result(std::move(value).value(), wants_json);
        }
    } else if constexpr (std::is_same_v<T, Json>) {
        return ApiValue(std::move(value));
    } else {
        if (wants_json) {
            return ApiValue(json_of(api_type<T>().to_json(&value)));
        }
        return ApiValue::of(std::move(value));
    }
}

// The parameters live in this frame as long as the function runs.
template <class M, class F>
Task<ApiValue> run_function(M& module, F function, ApiValue given, bool wants_json) {
    using Traits = MemberFunction<F>;
    using Result = typename Traits::Result;
    [[maybe_unused]] auto parameters = take_parameters<typename Traits::Parameters>(given);
    const auto start = [&]() -> decltype(auto) {
        if constexpr (!Traits::takes_parameters) {
            return (module.*function)();
        } else {
            return (module.*function)(std::move(parameters));
        }
    };
    if constexpr (is_task<Result>) {
        auto task = start();
        if constexpr (std::is_same_v<Result, Task<void>>) {
            co_await task;
            co_return ApiValue(Json());
        } else {
            co_return give_result(co_await task, wants_json);
        }
    } else if constexpr (std::is_void_v<Result>) {
        start();
        co_return ApiValue(Json());
    } else {
        co_return give_result(start(), wants_json);
    }
}

}  // namespace detail

// Describes a member function of a module as a function of its API. It takes nothing, or one
// described struct, whose sentence is the function's unless another is given, or Json; and returns
// nothing, anything that can be a setting, or Json, at once or as a Task, with or without
// ApiResult. Errors are thrown as ApiException or returned as ApiError.
template <class F>
ApiFunction make_api_function(std::string name, std::string sentence, F function) {
    using Traits = detail::MemberFunction<F>;
    using Class = typename Traits::Class;
    using Parameters = typename Traits::Parameters;
    using Result = typename detail::Unwrapped<typename Traits::Result>::type;
    ApiFunction result;
    result.name = std::move(name);
    if constexpr (!std::is_same_v<Parameters, Json>) {
        result.parameters = &config::description_of<Parameters>();
        result.sentence = sentence.empty() ? result.parameters->sentence() : std::move(sentence);
    } else {
        result.sentence = std::move(sentence);
    }
    if constexpr (std::is_same_v<Result, Json>) {
        result.result = "any";
    } else if constexpr (!std::is_void_v<Result>) {
        result.result = api_type<Result>().name();
        result.result_members = api_type<Result>().nested().description;
    }
    result.run = [function](Module& module, ApiValue parameters, bool wants_json) {
        return detail::run_function(static_cast<Class&>(module), function, std::move(parameters),
                                    wants_json);
    };
    return result;
}

// Describes when a function takes a call: `bool criteria(const P& parameters) const` of the module.
template <class M, class P>
ApiFunction::Criteria make_criteria(bool (M::*criteria)(const P&) const) {
    return [criteria](const Module& module, ApiValue& parameters) {
        P own = detail::take_parameters<P>(parameters);
        const bool takes = (static_cast<const M&>(module).*criteria)(own);
        if (parameters.get<P>() != nullptr) {
            parameters = ApiValue::of(std::move(own));
        }
        return takes;
    };
}

}  // namespace weir
