#pragma once

#include <concepts>
#include <coroutine>
#include <exception>
#include <optional>
#include <source_location>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "core/base/pool.h"

namespace weir {

class Routine;

/// What the promises of all tasks have in common. A routine is a stack of coroutines, each of which
/// awaits the next; only the innermost one runs or waits. One that is done resumes its awaiter.
class TaskPromise {
public:
    /// Takes frames from the pool: making one costs half of what malloc costs.
    static void* operator new(std::size_t size) { return pool::allocate(size); }
    static void operator delete(void* frame, std::size_t size) noexcept {
        pool::deallocate(frame, size);
    }

    std::suspend_always initial_suspend() const noexcept { return {}; }

    struct Finish {
        bool await_ready() const noexcept { return false; }
        template <class Promise>
        void await_suspend(std::coroutine_handle<Promise> coroutine) const noexcept {
            coroutine.promise().resume_awaiter();
        }
        void await_resume() const noexcept {}
    };
    Finish final_suspend() const noexcept { return {}; }

    void unhandled_exception() noexcept { exception = std::current_exception(); }

    /// Makes the coroutine `self` the innermost one of a routine: the routine resumes it next.
    void start_in(Routine& r, std::coroutine_handle<> self,
                  std::coroutine_handle<> awaiting) noexcept;

    Routine* routine = nullptr;
    std::coroutine_handle<> awaiter;  ///< resumed when this is done; null for the outermost
    std::source_location waits_at;    ///< the line of the last co_await that suspended it
    std::exception_ptr exception;     ///< that left the coroutine

private:
    void resume_awaiter() noexcept;
};

template <class P>
concept InRoutine = std::derived_from<P, TaskPromise>;

/// A coroutine that may wait for events, with a result of type T. It begins when another coroutine
/// awaits it, `co_await f(...)`, or when a container starts it. Destroying a Task unwinds the
/// coroutine where it waits: destructors run.
///
/// Parameters should be values, or references to objects that outlive the coroutine.
template <class T = void>
class [[nodiscard]] Task {
public:
    class promise_type;
    using Handle = std::coroutine_handle<promise_type>;
    using Result = T;

    Task() noexcept = default;
    Task(Task&& other) noexcept : coroutine_(std::exchange(other.coroutine_, nullptr)) {}
    Task& operator=(Task&& other) noexcept {
        std::swap(coroutine_, other.coroutine_);
        return *this;
    }
    ~Task() { destroy(); }

    explicit operator bool() const noexcept { return coroutine_ != nullptr; }

    void destroy() noexcept {
        if (Handle coroutine = std::exchange(coroutine_, nullptr)) {
            coroutine.destroy();
        }
    }

    // --- for code that starts tasks

    TaskPromise& promise() const noexcept { return coroutine_.promise(); }
    std::coroutine_handle<> handle() const noexcept { return coroutine_; }
    Handle release() noexcept { return std::exchange(coroutine_, nullptr); }
    /// Returns the result, or throws the exception that left the coroutine. Requires that it is
    /// done. To be called once.
    T result() { return coroutine_.promise().take(); }

    /// Awaiting a task empties it; awaiting an empty one throws std::logic_error.
    class Awaiter;
    Awaiter operator co_await() && noexcept { return Awaiter(std::move(*this)); }
    Awaiter operator co_await() & noexcept { return Awaiter(std::move(*this)); }

private:
    explicit Task(Handle coroutine) noexcept : coroutine_(coroutine) {
        // Where the promise lies in the frame, and what is aligned so in the pool.
        static_assert(alignof(promise_type) <= alignof(std::max_align_t));
    }

    Handle coroutine_;
};

template <class T>
class Task<T>::promise_type : public TaskPromise {
public:
    Task get_return_object() noexcept { return Task(Handle::from_promise(*this)); }

    template <class U>
        requires std::convertible_to<U&&, T>
    void return_value(U&& value) {
        value_.emplace(std::forward<U>(value));
    }

    T take() {
        if (exception) {
            std::rethrow_exception(std::exchange(exception, nullptr));
        }
        return std::move(*value_);
    }

private:
    std::optional<T> value_;
};

template <>
class Task<void>::promise_type : public TaskPromise {
public:
    Task get_return_object() noexcept { return Task(Handle::from_promise(*this)); }
    void return_void() const noexcept {}

    void take() {
        if (exception) {
            std::rethrow_exception(std::exchange(exception, nullptr));
        }
    }
};

/// Throws std::logic_error if there is no task to await or to start.
template <class T>
void require_task(const Task<T>& task) {
    if (!task) [[unlikely]] {
        throw std::logic_error("there is no task: it was awaited or started before");
    }
}

template <class T>
class Task<T>::Awaiter {
public:
    explicit Awaiter(Task task) noexcept : task_(std::move(task)) {}

    bool await_ready() const {
        require_task(task_);
        return false;
    }
    template <InRoutine Promise>
    void await_suspend(std::coroutine_handle<Promise> awaiting,
                       const std::source_location& at = std::source_location::current()) noexcept {
        awaiting.promise().waits_at = at;
        task_.promise().start_in(*awaiting.promise().routine, task_.handle(), awaiting);
    }
    T await_resume() { return task_.result(); }

private:
    Task task_;
};

}  // namespace weir
