#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>

#include "config/settings/settings.h"
#include "core/run/task.h"
#include "modules/system/call/api_result.h"
#include "modules/system/call/api_value.h"

namespace weir {

class Caller;
class Module;

/// The parameters of a function that has none.
struct NoParameters {
    static config::Settings<NoParameters> describe();
};

namespace detail {

/// A pointer to some member function of a module, kept as bytes until code that knows its type
/// calls it: so that what an ApiFunction is made of is the same for all, and compiled once.
class MemberPointer {
public:
    MemberPointer() = default;
    template <class F>
        requires std::is_member_function_pointer_v<F>
    explicit MemberPointer(F function) noexcept {
        static_assert(sizeof(F) <= sizeof(bytes_));
        std::memcpy(bytes_.data(), &function, sizeof(F));
    }
    template <class F>
    F as() const noexcept {
        F function;
        std::memcpy(&function, bytes_.data(), sizeof(F));
        return function;
    }

private:
    alignas(void*) std::array<std::byte, 2 * sizeof(void*)> bytes_{};
};

}  // namespace detail

/// One function of a module's API: what is known about it, and how it is run. Made from a member
/// function of the module by `declare_module`; immutable afterwards.
class ApiFunction {
public:
    /// Runs a function that returns its result at once. Returns that, as JSON if `wants_json`;
    /// throws what the function throws, and ApiException with `bad_parameter` if it takes others.
    using Plain = ApiValue (*)(const detail::MemberPointer& function, Module& module,
                               const Caller& caller, ApiValue& parameters, bool wants_json);
    /// Runs a function that is a coroutine; otherwise the same. The caller must outlive it.
    using Coroutine = Task<ApiValue> (*)(detail::MemberPointer function, Module& module,
                                         const Caller& caller, ApiValue parameters,
                                         bool wants_json);
    /// Returns whether the function takes a call with these parameters.
    using Criteria = bool (*)(const detail::MemberPointer& criteria, const Module& module,
                              ApiValue& parameters);

    ApiFunction();
    ApiFunction(const ApiFunction&);
    ApiFunction(ApiFunction&&) noexcept;
    ApiFunction& operator=(const ApiFunction&);
    ApiFunction& operator=(ApiFunction&&) noexcept;
    ~ApiFunction();

    /// Whether the function takes a call with these parameters.
    bool takes(const Module& module, ApiValue& given) const {
        return criteria == nullptr || criteria(criteria_member, module, given);
    }

    std::string name;
    std::string sentence;                                 ///< what it does, without a full stop
    const config::Description* parameters = nullptr;      ///< null: any JSON
    std::string result;                                   ///< the name of the type; "" for none
    const config::Description* result_members = nullptr;  ///< if the result is or holds a struct
    bool is_public = false;  ///< may be called at the target "public" too
    bool reads = false;      ///< shows something and changes nothing; see Right

    // How it is run: one of both.
    detail::MemberPointer member;
    Plain plain = nullptr;
    Coroutine coroutine = nullptr;
    // Null: it takes all calls.
    detail::MemberPointer criteria_member;
    Criteria criteria = nullptr;
};

/// Reads parameters from JSON: an object, or null for no parameters. Throws ApiException with
/// `bad_parameter`, naming each parameter that is wrong.
void read_parameters(const config::Description& description, const Json& json, void* parameters);

namespace detail {

/// What of its type an API function's result is: T of T, Task<T>, ApiResult<T>, Task<ApiResult<T>>.
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

/// The parts of a member function's type.
template <class F>
struct MemberFunction {
    static_assert(std::is_void_v<F>,
                  "a function of a module's API is a member function that takes nothing, or one "
                  "struct of parameters with a static describe(), and perhaps a const Caller&");
};
template <class M, class R>
struct MemberFunction<R (M::*)()> {
    using Class = M;
    using Parameters = NoParameters;
    using Result = R;
    static constexpr bool takes_parameters = false;
    static constexpr bool takes_caller = false;
};
template <class M, class R, class P>
struct MemberFunction<R (M::*)(P)> {
    using Class = M;
    using Parameters = std::remove_cvref_t<P>;
    using Result = R;
    static constexpr bool takes_parameters = true;
    static constexpr bool takes_caller = false;
};
template <class M, class R, class P>
struct MemberFunction<R (M::*)(P, const Caller&)> : MemberFunction<R (M::*)(P)> {
    static constexpr bool takes_caller = true;
};
template <class M, class R>
struct MemberFunction<R (M::*)() const> : MemberFunction<R (M::*)()> {};
template <class M, class R, class P>
struct MemberFunction<R (M::*)(P) const> : MemberFunction<R (M::*)(P)> {};
template <class M, class R, class P>
struct MemberFunction<R (M::*)(P, const Caller&) const>
    : MemberFunction<R (M::*)(P, const Caller&)> {};

/// Reads parameters that are not of the function's own type: from JSON, or nothing. Throws
/// ApiException with `bad_parameter` if they are another C++ type.
void convert_parameters(const config::Description& description, ApiValue& given, void* parameters);
[[noreturn]] void throw_other_parameters();

template <class P>
P take_parameters(ApiValue& given) {
    if (P* typed = given.get<P>()) {
        return std::move(*typed);
    }
    if constexpr (std::is_same_v<P, Json>) {
        throw_other_parameters();
    } else {
        P result{};
        convert_parameters(config::description_of<P>(), given, &result);
        return result;
    }
}

template <class T>
ApiValue give_result(T value, bool wants_json) {
    if constexpr (is_api_result<T>) {
        if constexpr (std::is_void_v<typename Unwrapped<T>::type>) {
            value.value();
            return ApiValue::null();
        } else {
            return give_result(std::move(value).value(), wants_json);
        }
    } else if constexpr (std::is_same_v<T, Json>) {
        return ApiValue(std::move(value));
    } else {
        if (wants_json) {
            return ApiValue::json_from(config::type_of<T>(), &value);
        }
        return ApiValue::of(std::move(value));
    }
}

/// Calls the member function with the parameters, in the caller's frame.
template <class F, class P>
decltype(auto) invoke_member(const MemberPointer& function, Module& module, const Caller& caller,
                             P& parameters) {
    auto& object = static_cast<typename MemberFunction<F>::Class&>(module);
    if constexpr (MemberFunction<F>::takes_caller) {
        return (object.*function.as<F>())(std::move(parameters), caller);
    } else if constexpr (MemberFunction<F>::takes_parameters) {
        return (object.*function.as<F>())(std::move(parameters));
    } else {
        return (object.*function.as<F>())();
    }
}

template <class F>
ApiValue run_plain(const MemberPointer& function, Module& module, const Caller& caller,
                   ApiValue& given, bool wants_json) {
    auto parameters = take_parameters<typename MemberFunction<F>::Parameters>(given);
    if constexpr (std::is_void_v<typename MemberFunction<F>::Result>) {
        invoke_member<F>(function, module, caller, parameters);
        return ApiValue::null();
    } else {
        return give_result(invoke_member<F>(function, module, caller, parameters), wants_json);
    }
}

/// The parameters live in this frame as long as the function runs.
template <class F>
Task<ApiValue> run_coroutine(MemberPointer function, Module& module, const Caller& caller,
                             ApiValue given, bool wants_json) {
    auto parameters = take_parameters<typename MemberFunction<F>::Parameters>(given);
    auto task = invoke_member<F>(function, module, caller, parameters);
    if constexpr (std::is_same_v<typename MemberFunction<F>::Result, Task<void>>) {
        co_await task;
        co_return ApiValue::null();
    } else {
        co_return give_result(co_await task, wants_json);
    }
}

template <class M, class P>
bool check_criteria(const MemberPointer& criteria, const Module& module, ApiValue& parameters) {
    P own = take_parameters<P>(parameters);
    const bool takes =
        (static_cast<const M&>(module).*criteria.as<bool (M::*)(const P&) const>())(own);
    if (parameters.get<P>() != nullptr) {
        parameters = ApiValue::of(std::move(own));
    }
    return takes;
}

/// Gives the function its name, and its sentence: that of its parameters if `sentence` is empty.
ApiFunction named_function(std::string name, std::string sentence,
                           const config::Description* parameters);
void set_result(ApiFunction& function, const config::Type& type);

}  // namespace detail

/// Describes a member function of a module as a function of its API. It takes nothing, or one
/// described struct, whose sentence is the function's unless another is given, or Json; after that
/// a `const Caller&`, if it must know who calls, valid until the function ends; and returns
/// nothing, anything that can be a setting, or Json, at once or as a Task, with or without
/// ApiResult. Errors are thrown as ApiException or returned as ApiError.
template <class F>
ApiFunction make_api_function(std::string name, std::string sentence, F function) {
    using Traits = detail::MemberFunction<F>;
    using Parameters = typename Traits::Parameters;
    using Result = typename detail::Unwrapped<typename Traits::Result>::type;
    const config::Description* parameters = nullptr;
    if constexpr (!std::is_same_v<Parameters, Json>) {
        static_assert(config::Described<Parameters>,
                      "the struct of a function's parameters needs a static describe() that "
                      "returns config::Settings of it");
        parameters = &config::description_of<Parameters>();
    }
    ApiFunction made = detail::named_function(std::move(name), std::move(sentence), parameters);
    if constexpr (std::is_same_v<Result, Json>) {
        made.result = "any";
    } else if constexpr (!std::is_void_v<Result>) {
        detail::set_result(made, config::type_of<Result>());
    }
    made.member = detail::MemberPointer(function);
    if constexpr (detail::is_task<typename Traits::Result>) {
        made.coroutine = &detail::run_coroutine<F>;
    } else {
        made.plain = &detail::run_plain<F>;
    }
    return made;
}

/// Says when a function takes a call: `bool criteria(const P& parameters) const` of the module.
template <class M, class P>
void set_criteria(ApiFunction& function, bool (M::*criteria)(const P&) const) {
    function.criteria_member = detail::MemberPointer(criteria);
    function.criteria = &detail::check_criteria<M, P>;
}

}  // namespace weir
