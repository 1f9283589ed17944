#pragma once

#include <concepts>
#include <exception>
#include <source_location>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "core/base/pool.h"
#include "core/base/ref.h"
#include "core/base/result.h"
#include "core/event/event.h"
#include "core/event/matcher.h"
#include "core/run/container.h"
#include "core/run/scheduler.h"
#include "core/run/wait.h"

namespace weir {

/// The state that a future and its events share.
class FutureStateBase : public RefCounted<FutureStateBase>, public pool::Pooled {
public:
    virtual ~FutureStateBase() = default;

    /// Made with the future, so that sending the result allocates nothing. Null once it is sent.
    Ref<Event> event;
};

/// Sent when a future has its result.
struct FutureEvent : Event {
    Index<const FutureStateBase*> future;
    Ref<FutureStateBase> state;  ///< keeps the state's address from being reused

    static auto declare() {
        return declare_event<FutureEvent>("weir.FutureEvent").index("future", &FutureEvent::future);
    }
};

/// Thrown where a routine waits for a future whose producer was closed before it set a result.
class FutureCancelledException : public std::exception {
public:
    const char* what() const noexcept override { return "the future was cancelled"; }
};

/// A result or an exception that one routine sets and any number of routines wait for with
/// co_await. A handle: copies are the same future. Belongs to one scheduler.
template <class T = void>
class Future {
    struct State final : FutureStateBase {
        Result<T> result;
    };

public:
    class Awaiter;

    explicit Future(Scheduler& scheduler) : scheduler_(&scheduler), state_(new State) {
        const FutureStateBase* const identity = state_.get();
        state_->event = make_event<FutureEvent>(identity);
    }

    bool done() const noexcept { return state_->result.done(); }

    /// Returns the result or throws the exception. Requires done().
    std::add_lvalue_reference_t<const T> result() const { return state_->result.get(); }

    /// Sets the result and wakes the waiters. Throws std::logic_error if the future is done.
    template <class... U>
    void set_result(U&&... value) {
        require_not_done();
        state_->result.set(std::forward<U>(value)...);
        tell();
    }
    void set_exception(std::exception_ptr exception) {
        require_not_done();
        state_->result.fail(std::move(exception));
        tell();
    }

    /// Calls the function and sets its result. If it throws, sets the exception and rethrows it.
    /// Does not set anything if the future is done by then.
    template <std::invocable F>
    void ensure_result(F function) {
        try {
            if constexpr (std::is_void_v<T>) {
                function();
                if (!done()) {
                    set_result();
                }
            } else {
                T value = function();
                if (!done()) {
                    set_result(std::move(value));
                }
            }
        } catch (...) {
            if (!done()) {
                set_exception(std::current_exception());
            }
            throw;
        }
    }

    /// Cancels the future when it is destroyed before the future is done. For routines that may be
    /// closed before they set the result.
    class Promise {
    public:
        explicit Promise(Future future) noexcept : future_(std::move(future)) {}
        Promise(Promise&&) noexcept = default;
        Promise& operator=(Promise&&) = delete;
        ~Promise() {
            if (future_.state_ != nullptr && !future_.done()) {
                future_.set_exception(std::make_exception_ptr(FutureCancelledException()));
            }
        }

    private:
        Future future_;
    };
    [[nodiscard]] Promise ensure_result() const noexcept { return Promise(*this); }

    Awaiter operator co_await() const { return Awaiter(*this); }

protected:
    Scheduler& scheduler() const noexcept { return *scheduler_; }

private:
    void require_not_done() const {
        if (done()) {
            throw std::logic_error("a future is given a second result");
        }
    }
    void tell() {
        const Ref<Event> event = std::move(state_->event);
        event->as<FutureEvent>().state = Ref<FutureStateBase>(state_);
        scheduler_->emergency_send(event);
    }

    Scheduler* scheduler_;
    Ref<State> state_;
};

template <class T>
class Future<T>::Awaiter final : public Wait {
public:
    explicit Awaiter(Future future) : future_(std::move(future)) {
        if (!future_.done()) {
            const FutureStateBase* identity = future_.state_.get();
            done_ = match<FutureEvent>(identity).make();
        }
    }
    bool await_ready() const noexcept { return future_.done(); }
    /// Returns the result: a reference that is valid as long as the future.
    std::add_lvalue_reference_t<const T> await_resume() {
        check_interrupted();
        return future_.result();
    }

    std::span<const Matcher> matchers() const noexcept override { return {&done_, 1}; }
    Then matched(const Ref<Event>&, Subscription&) override { return Then::resume; }
    std::string describe() const override { return "the result of a future"; }

private:
    Future future_;
    Matcher done_;
};

/// The future of a task that runs as a routine.
template <class T = void>
class RoutineFuture : public Future<T> {
public:
    RoutineFuture(Container& container, Task<T> task, StartOptions options = {},
                  const std::source_location& at = std::source_location::current())
        : Future<T>(container.scheduler()) {
        routine_ = container.start(run(*this, this->ensure_result(), std::move(task)),
                                   std::move(options), at);
    }

    /// Closes the routine, also before it has begun. If it has not ended, the future is cancelled.
    void close() noexcept { routine_->close(); }

    /// Returns the result. If the waiting routine is unwound first, the task's routine is closed.
    Task<T> wait_and_close() {
        const Closer closer{*this};
        if constexpr (std::is_void_v<T>) {
            co_await static_cast<const Future<T>&>(*this);
        } else {
            co_return co_await static_cast<const Future<T>&>(*this);
        }
    }

private:
    struct Closer {
        RoutineFuture& future;
        ~Closer() { future.close(); }
    };

    // The promise is a parameter, so that it is there also if the routine is closed before it
    // begins.
    static Task<> run(Future<T> future, typename Future<T>::Promise, Task<T> task) {
        try {
            if constexpr (std::is_void_v<T>) {
                co_await task;
                future.set_result();
            } else {
                future.set_result(co_await task);
            }
        } catch (...) {
            future.set_exception(std::current_exception());
        }
    }

    Ref<Routine> routine_;
};

}  // namespace weir
