#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <exception>
#include <new>
#include <optional>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "core/base/clock.h"
#include "core/run/deadline.h"
#include "core/run/task.h"
#include "core/run/wait.h"
#include "modules/system/call/api_name.h"
#include "modules/system/call/api_result.h"
#include "modules/system/call/call_events.h"
#include "modules/system/call/json_text.h"

namespace weir {

/// The timeout of a call that gives none.
inline constexpr Duration default_call_timeout = std::chrono::seconds(120);

namespace detail {

/// A call that is awaited: the part that does not depend on types. It sends its event when it is
/// awaited; withdraw() takes the event back and unwinds the function, if that still runs.
///
/// The event of the reply names this object, and resumes it without a matcher; so does the event of
/// the deadline.
class Calling : public Wait {
public:
    template <InRoutine Promise>
    void await_suspend(std::coroutine_handle<Promise> coroutine,
                       const std::source_location& at = std::source_location::current()) {
        begin(*coroutine.promise().routine);
        Wait::await_suspend(coroutine, at);
    }

    std::span<const Matcher> matchers() const noexcept override {
        return {&signal_, signal_ ? 1U : 0U};
    }
    Then matched(const Ref<Event>& event, Subscription& subscription) override;
    void time_is_over() noexcept override;
    const Event* carries() const noexcept override;
    std::string describe() const override;
    /// Ends the call, if it is still awaited: that throws the exception. For an object that sees
    /// that nobody wants the result any more.
    void give_up(std::exception_ptr why) noexcept {
        set_interruption(std::move(why));
        resume();
    }

protected:
    Calling(ApiName name, std::optional<Duration> timeout) noexcept
        : name_(std::move(name)), timeout_(timeout) {}
    // A class derived from this withdraws before it destroys what the slots refer to.
    ~Calling() = default;

    /// Ends the call when the coroutine is resumed. Throws what interrupted the wait. Returns
    /// whether the result is there; the slots have an error otherwise.
    bool finish();
    void withdraw() noexcept;

    CallSlots slots_;
    Caller* client_ = nullptr;  // by whose rights; null: by those of the program itself

private:
    void begin(Routine& routine);
    void try_to_send();

    const ApiName name_;
    const std::optional<Duration> timeout_;
    bool timed_out_ = false;
    Scheduler* scheduler_ = nullptr;
    Ref<ModuleApiCall> event_;  // from when it is awaited until it is withdrawn
    Matcher signal_;            // of a free slot for the event; empty once it is sent
    Deadline deadline_;
};

/// A call with parameters of type P and a result of type R.
template <class R, class P>
class [[nodiscard]] TypedCall final : public Calling {
public:
    TypedCall(ApiName name, P parameters, std::optional<Duration> timeout)
        : Calling(std::move(name), timeout), parameters_(std::move(parameters)) {
        slots_.parameters = &parameters_;
        slots_.parameters_type = &api_type_of<P>();
        if constexpr (!std::is_void_v<R>) {
            slots_.result = result_.data();
            slots_.result_type = &api_type_of<R>();
        }
    }
    ~TypedCall() {
        withdraw();
        if constexpr (!std::is_void_v<R>) {
            if (slots_.state == CallSlots::State::value) {
                result().~R();
            }
        }
    }

    ApiResult<R> await_resume() {
        if (!finish()) {
            return *std::move(slots_.error);
        }
        if constexpr (std::is_void_v<R>) {
            return {};
        } else {
            return std::move(result());
        }
    }

private:
    using Stored = std::conditional_t<std::is_void_v<R>, char, R>;

    Stored& result() noexcept { return *std::launder(reinterpret_cast<Stored*>(result_.data())); }

    P parameters_;
    alignas(Stored) std::array<std::byte, sizeof(Stored)> result_;
};

/// A call with JSON on both sides. Code that only includes this header does not see what JSON is;
/// its size is checked where it is known.
class [[nodiscard]] JsonCall final : public Calling {
public:
    JsonCall(ApiName name, Json parameters, std::optional<Duration> timeout,
             Ref<Caller> client = {});
    JsonCall(ApiName name, JsonText parameters, std::optional<Duration> timeout,
             Ref<Caller> client);
    ~JsonCall();

    ApiResult<Json> await_resume();

private:
    struct alignas(void*) Memory : std::array<std::byte, 2 * sizeof(void*)> {};

    const Ref<Caller> kept_client_;
    JsonText text_;
    Memory parameters_;
    Memory result_;
};

}  // namespace detail

/// Calls a function of a module when it is awaited, and returns its result or an error:
///
///     const Json parameters{{"pattern", "db*"}};
///     const ApiResult<Json> locks = co_await call("lock", "list", parameters);
///
/// The call is an event: it waits while the module is loading or being reloaded, and while too many
/// calls to it are under way. Returns the error `timeout` if all of that takes longer than the
/// time. A caller that is closed cancels the call. Requires a routine of the server's scheduler.
detail::JsonCall call(ApiName name, Json parameters,
                      std::optional<Duration> timeout = default_call_timeout);
detail::JsonCall call(std::string_view target, std::string_view function, Json parameters,
                      std::optional<Duration> timeout = default_call_timeout);
/// The same without parameters.
detail::JsonCall call(std::string_view target, std::string_view function);

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
detail::TypedCall<R, P> call(ApiName name, P parameters,
                             std::optional<Duration> timeout = default_call_timeout) {
    return detail::TypedCall<R, P>(std::move(name), std::move(parameters), timeout);
}
template <class R, class P>
    requires(!std::is_same_v<P, Json> && config::Described<P>)
detail::TypedCall<R, P> call(std::string_view target, std::string_view function, P parameters,
                             std::optional<Duration> timeout = default_call_timeout) {
    return detail::TypedCall<R, P>(ApiName(target, function), std::move(parameters), timeout);
}

/// Calls a function for a client outside, by its rights: returns the error `denied` if the client
/// may not call it. A protocol that passes on what its clients ask for calls by this.
detail::JsonCall call_for(Ref<Caller> client, ApiName name, Json parameters,
                          std::optional<Duration> timeout = default_call_timeout);
/// The same with the parameters as the client has written them.
detail::JsonCall call_for(Ref<Caller> client, ApiName name, JsonText parameters,
                          std::optional<Duration> timeout = default_call_timeout);

/// Calls a function and drops its result. Returns when the queue has taken the call.
Task<> send_call(std::string target, std::string function, Json parameters);
Task<> send_call(std::string target, std::string function);

}  // namespace weir
