#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <new>
#include <string>
#include <type_traits>
#include <utility>

#include "config/settings/settings.h"
#include "core/run/container.h"
#include "core/run/task.h"
#include "core/wait/send.h"
#include "modules/system/call/answering.h"
#include "modules/system/call/api_call.h"
#include "modules/system/call/api_result.h"

namespace weir {

class Caller;
class Module;

/// The parameters of a function that has none.
struct NoParameters {
    static config::Settings<NoParameters> describe();
};

namespace detail {

/// A pointer to some member of a module, most often a function, kept as bytes until code that knows
/// its type uses it: so that what an ApiFunction is made of is the same for all, and compiled once.
class MemberPointer {
public:
    MemberPointer() = default;
    template <class F>
        requires std::is_member_pointer_v<F>
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
    /// Runs a function that returns its result at once, and stores the result in the call. Throws
    /// what the function throws, and ApiException with `bad_parameter` if it takes others. Requires
    /// that the call is wanted.
    using Plain = void (*)(const ApiFunction& function, Module& module, ApiCall& call);
    /// Runs a function that is a coroutine, and sends the reply; throws nothing.
    using Coroutine = Task<> (*)(const ApiFunction& function, Module& module, Ref<ApiCall> call);
    /// Returns whether the function takes the call. Requires that the call is wanted.
    using Criteria = bool (*)(const ApiFunction& function, const Module& module, CallSlots& slots);

    ApiFunction();
    ApiFunction(const ApiFunction&);
    ApiFunction(ApiFunction&&) noexcept;
    ApiFunction& operator=(const ApiFunction&);
    ApiFunction& operator=(ApiFunction&&) noexcept;
    ~ApiFunction();

    /// Returns whether the function takes the call. Requires that the call is wanted.
    bool takes(const Module& module, ApiCall& call) const {
        return criteria == nullptr || criteria(*this, module, *call.slots);
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
    static constexpr bool possible = false;
    using Parameters = NoParameters;
};
template <class M, class R>
struct MemberFunction<R (M::*)()> {
    static constexpr bool possible = true;
    using Class = M;
    using Parameters = NoParameters;
    using Result = R;
    static constexpr bool takes_parameters = false;
    static constexpr bool takes_caller = false;
};
template <class M, class R, class P>
struct MemberFunction<R (M::*)(P)> {
    static constexpr bool possible = true;
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

/// Reads parameters that are not of the function's own type: from JSON, as a tree or as text, or
/// nothing. Throws ApiException with `bad_parameter` if they are another C++ type.
void convert_parameters(const config::Description& description, const CallSlots& slots,
                        void* parameters);
/// The same for a function that takes JSON.
void convert_parameters(const CallSlots& slots, Json& parameters);

/// Returns the parameters, if they are of this type; null otherwise.
template <class P>
P* typed_parameters(CallSlots& slots) {
    return slots.parameters_type != nullptr && *slots.parameters_type == api_type_of<P>()
               ? static_cast<P*>(slots.parameters)
               : nullptr;
}

template <class P>
P converted_parameters(const CallSlots& slots) {
    P result{};
    if constexpr (std::is_same_v<P, Json>) {
        convert_parameters(slots, result);
    } else {
        convert_parameters(config::description_of<P>(), slots, &result);
    }
    return result;
}

template <class P>
P take_parameters(CallSlots& slots) {
    if (P* typed = typed_parameters<P>(slots)) {
        return std::move(*typed);
    }
    return converted_parameters<P>(slots);
}

/// Stores the result in the call. The caller may have given up meanwhile.
template <class T>
void give_result(ApiCall& call, T value) {
    CallSlots* const slots = call.slots;
    if (slots == nullptr) {
        return;
    }
    if constexpr (is_api_result<T>) {
        if (!value) {
            slots->fail(std::move(value).error());
        } else if constexpr (std::is_void_v<typename Unwrapped<T>::type>) {
            slots->give_nothing();
        } else {
            give_result(call, std::move(value).value());
        }
    } else if (slots->result_type == nullptr) {
        slots->state = CallSlots::State::value;
    } else if (*slots->result_type == api_type_of<T>()) {
        ::new (slots->result) T(std::move(value));
        slots->state = CallSlots::State::value;
    } else {
        if constexpr (!std::is_same_v<T, Json>) {
            if (*slots->result_type == api_type_of<Json>()) {
                slots->give_json(config::type_of<T>(), &value);
                return;
            }
        }
        slots->state = CallSlots::State::other_type;
    }
}

/// Calls the member function with the parameters, in the caller's frame.
template <class F, class P>
decltype(auto) invoke_member(const MemberPointer& function, Module& module, const ApiCall& call,
                             P& parameters) {
    auto& object = static_cast<typename MemberFunction<F>::Class&>(module);
    if constexpr (MemberFunction<F>::takes_caller) {
        return (object.*function.as<F>())(std::move(parameters), call.client_or_inside());
    } else if constexpr (MemberFunction<F>::takes_parameters) {
        return (object.*function.as<F>())(std::move(parameters));
    } else {
        return (object.*function.as<F>())();
    }
}

template <class F>
void run_plain(const ApiFunction& function, Module& module, ApiCall& call) {
    auto parameters = take_parameters<typename MemberFunction<F>::Parameters>(*call.slots);
    if constexpr (std::is_void_v<typename MemberFunction<F>::Result>) {
        invoke_member<F>(function.member, module, call, parameters);
        if (call.wanted()) {
            call.slots->give_nothing();
        }
    } else {
        give_result(call, invoke_member<F>(function.member, module, call, parameters));
    }
}

/// The parameters live in this frame as long as the function runs.
template <class F>
Task<> run_coroutine(const ApiFunction& function, Module& module, Ref<ApiCall> call) {
    Answering answering(function, std::move(call), co_await this_routine());
    try {
        auto parameters =
            take_parameters<typename MemberFunction<F>::Parameters>(*answering.call().slots);
        auto task = invoke_member<F>(function.member, module, answering.call(), parameters);
        if constexpr (std::is_same_v<typename MemberFunction<F>::Result, Task<void>>) {
            co_await task;
            if (answering.call().wanted()) {
                answering.call().slots->give_nothing();
            }
        } else {
            give_result(answering.call(), co_await task);
        }
    } catch (...) {
        answering.answer_with_exception();
    }
    if (answering.end()) {
        co_await send(answering.reply());
        answering.set_sent();
    }
}

template <class M, class P>
bool check_criteria(const ApiFunction& function, const Module& module, CallSlots& slots) {
    const auto criteria = function.criteria_member.as<bool (M::*)(const P&) const>();
    if (const P* typed = typed_parameters<P>(slots)) {
        return (static_cast<const M&>(module).*criteria)(*typed);
    }
    const P converted = converted_parameters<P>(slots);
    return (static_cast<const M&>(module).*criteria)(converted);
}

/// Gives the function its name, and its sentence: that of its parameters if `sentence` is empty.
ApiFunction named_function(std::string name, std::string sentence,
                           const config::Description* parameters);
template <class F>
ApiFunction describe_function(std::string name, std::string sentence, F function);
void set_result(ApiFunction& function, const config::Type& type);

}  // namespace detail

/// Describes a member function of a module as a function of its API. It takes nothing, or one
/// described struct, whose sentence is the function's unless another is given, or Json; after that
/// a `const Caller&`, if it must know who calls, valid until the function ends; and returns
/// nothing, anything that can be a setting, or Json, at once or as a Task, with or without
/// ApiResult. Errors are thrown as ApiException or returned as ApiError.
template <class F>
ApiFunction make_api_function(std::string name, std::string sentence, F function) {
    using Parameters = typename detail::MemberFunction<F>::Parameters;
    constexpr bool described = std::is_same_v<Parameters, Json> || config::Described<Parameters>;
    static_assert(detail::MemberFunction<F>::possible,
                  "a function of a module's API is a member function that takes nothing, or one "
                  "struct of parameters with a static describe(), and perhaps a const Caller&");
    static_assert(described,
                  "the struct of a function's parameters needs a static describe() that returns "
                  "config::Settings of it");
    // What is wrong is said once.
    if constexpr (described && detail::MemberFunction<F>::possible) {
        return detail::describe_function<F>(std::move(name), std::move(sentence), function);
    } else {
        return {};
    }
}

namespace detail {

template <class F>
ApiFunction describe_function(std::string name, std::string sentence, F function) {
    using Traits = MemberFunction<F>;
    using Parameters = typename Traits::Parameters;
    using Result = typename Unwrapped<typename Traits::Result>::type;
    const config::Description* parameters = nullptr;
    if constexpr (!std::is_same_v<Parameters, Json>) {
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

}  // namespace detail

/// Says when a function takes a call: `bool criteria(const P& parameters) const` of the module.
template <class M, class P>
void set_criteria(ApiFunction& function, bool (M::*criteria)(const P&) const) {
    function.criteria_member = detail::MemberPointer(criteria);
    function.criteria = &detail::check_criteria<M, P>;
}

}  // namespace weir
