#pragma once

#include <exception>
#include <memory>
#include <source_location>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/result.h"
#include "core/run/container.h"
#include "core/run/scheduler.h"
#include "core/run/task.h"
#include "core/wait/routine_events.h"
#include "core/wait/send.h"
#include "core/wait/wait_for_all.h"

namespace weir {

/// Several exceptions that were thrown by tasks that ran concurrently.
class MultipleException : public std::exception {
public:
    explicit MultipleException(std::vector<std::exception_ptr> thrown);
    const char* what() const noexcept override { return what_.c_str(); }

    const std::vector<std::exception_ptr>& exceptions() const noexcept { return exceptions_; }

private:
    std::vector<std::exception_ptr> exceptions_;
    std::string what_;
};

/// Thrown for a task whose routine was closed before the task ended.
class DelegateClosedException : public std::exception {
public:
    const char* what() const noexcept override { return "the routine of the task was closed"; }
};

// What happens to tasks that run as routines of their own when the routine that waits for them is
// unwound.
enum class WhenUnwound {
    close,  // they are closed
    go_on,  // they run to their end; their results are dropped
};

namespace detail {

// Shared by a delegated task and the routine that waits for it, because either may be closed first.
template <class T>
struct DelegateState {
    Result<T> result;
    Routine* routine = nullptr;  // once started; outlives its coroutine
};

// Sends the event that the task has ended: when it has a result, or else when the coroutine is
// destroyed, whether it has begun or not.
template <class T>
class DelegateEnd {
public:
    explicit DelegateEnd(std::shared_ptr<DelegateState<T>> state) noexcept
        : state_(std::move(state)) {}
    DelegateEnd(DelegateEnd&&) noexcept = default;
    ~DelegateEnd() {
        if (state_ == nullptr || state_->routine == nullptr) {
            return;
        }
        if (!state_->result.done()) {
            state_->result.fail(std::make_exception_ptr(DelegateClosedException()));
        }
        Scheduler& scheduler = state_->routine->scheduler();
        scheduler.emergency_send(tell());
    }

    Result<T>& result() const noexcept { return state_->result; }

    // Returns the event, to be sent by the caller.
    Ref<Event> tell() {
        Routine* const routine = std::exchange(state_, nullptr)->routine;
        const Routine* const identity = routine;
        return make_event<RoutineControlEvent>(RoutineControlEvent::Type::delegate_finished,
                                               identity, Ref<Routine>(routine));
    }

private:
    std::shared_ptr<DelegateState<T>> state_;
};

template <class T>
Task<> run_delegate(Task<T> task, DelegateEnd<T> end) {
    try {
        if constexpr (std::is_void_v<T>) {
            co_await task;
            end.result().set();
        } else {
            end.result().set(co_await task);
        }
    } catch (...) {
        end.result().fail(std::current_exception());
        co_return;
    }
    co_await send(end.tell());
}

// A task that runs as a routine of its own.
template <class T>
struct Delegate {
    std::shared_ptr<DelegateState<T>> state = std::make_shared<DelegateState<T>>();
    Ref<Routine> routine;

    Result<T>& result() const noexcept { return state->result; }
    Matcher finished() const {
        const Routine* identity = routine.get();
        return match<RoutineControlEvent>(RoutineControlEvent::Type::delegate_finished, identity)
            .make();
    }
};

template <class T>
Delegate<T> begin_delegate(Container& container, Task<T> task, std::string name,
                           const std::source_location& at) {
    Delegate<T> delegate;
    delegate.routine =
        container.start(run_delegate(std::move(task), DelegateEnd<T>(delegate.state)),
                        {.name = std::move(name)}, at);
    delegate.state->routine = delegate.routine.get();
    return delegate;
}

// Lives in the frame of the coroutine that waits for the tasks.
template <class T>
struct Delegates {
    const WhenUnwound when_unwound;
    std::vector<Delegate<T>> all;

    explicit Delegates(WhenUnwound what) noexcept : when_unwound(what) {}
    Delegates(const Delegates&) = delete;
    Delegates& operator=(const Delegates&) = delete;
    ~Delegates() {
        if (when_unwound == WhenUnwound::close) {
            for (const Delegate<T>& delegate : all) {
                if (delegate.routine->about_to_start()) {
                    delegate.state->routine = nullptr;  // ends without an event: it never ran
                }
                delegate.routine->close();
            }
        }
    }
};

void throw_all(std::vector<std::exception_ptr> exceptions);

/// What stands for a result where there must be one.
template <class T>
using WithoutVoid = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

template <class T>
WithoutVoid<T> take_result(const Delegate<T>& delegate) {
    if constexpr (std::is_void_v<T>) {
        delegate.result().take();
        return {};
    } else {
        return delegate.result().take();
    }
}

// Tasks of different types; closed with the frame of the coroutine that waits for them.
template <class... T>
struct DelegateTuple {
    std::tuple<Delegate<T>...> all;

    DelegateTuple() = default;
    DelegateTuple(const DelegateTuple&) = delete;
    DelegateTuple& operator=(const DelegateTuple&) = delete;
    ~DelegateTuple() {
        const auto close = [](const auto& delegate) {
            if (delegate.routine != nullptr) {
                delegate.routine->close();
            }
        };
        std::apply([&](const auto&... delegate) { (close(delegate), ...); }, all);
    }

    // Returns the matchers of the ends, in order.
    std::vector<Matcher> begin(Container& container, std::tuple<Task<T>...>& tasks,
                               const std::string& name, const std::source_location& at) {
        return begin_all(container, tasks, name, at, std::index_sequence_for<T...>());
    }

private:
    template <std::size_t... I>
    std::vector<Matcher> begin_all(Container& container, std::tuple<Task<T>...>& tasks,
                                   const std::string& name, const std::source_location& at,
                                   std::index_sequence<I...>) {
        std::vector<Matcher> finished;
        const auto begin_one = [&](auto& delegate, auto& task) {
            delegate = begin_delegate(container, std::move(task), name, at);
            finished.push_back(delegate.finished());
        };
        (begin_one(std::get<I>(all), std::get<I>(tasks)), ...);
        return finished;
    }
};

template <class... T>
Task<std::tuple<WithoutVoid<T>...>> execute_tuple(Container& container,
                                                  std::tuple<Task<T>...> tasks,
                                                  std::source_location at) {
    const Routine& self = co_await this_routine();
    DelegateTuple<T...> delegates;
    std::vector<Matcher> finished = delegates.begin(container, tasks, self.name(), at);
    co_await wait_for_all(std::move(finished));
    std::vector<std::exception_ptr> exceptions;
    const auto note = [&](const auto& delegate) {
        if (delegate.result().failed()) {
            exceptions.push_back(delegate.result().exception());
        }
    };
    std::apply([&](const auto&... delegate) { (note(delegate), ...); }, delegates.all);
    throw_all(std::move(exceptions));
    co_return std::apply(
        [](const auto&... delegate) {
            return std::tuple<WithoutVoid<T>...>(take_result(delegate)...);
        },
        delegates.all);
}

}  // namespace detail

/// The result of execute_all: a vector with the result of each task, in order; void for tasks
/// without one.
template <class T>
using AllResults = std::conditional_t<std::is_void_v<T>, void, std::vector<T>>;

// co_await execute_all(container, tasks): runs the tasks side by side, each as a routine of its
// own in the container, until all have ended. If a task throws, the rest still run to their end;
// then its exception is thrown, or a MultipleException if several have thrown. A task that was
// closed counts as one that threw a DelegateClosedException. If the waiting routine is unwound, the
// tasks are closed, unless `when_unwound` says otherwise.
template <class T>
Task<AllResults<T>> execute_all(Container& container, std::vector<Task<T>> tasks,
                                WhenUnwound when_unwound = WhenUnwound::close,
                                std::source_location at = std::source_location::current()) {
    // A single task that is unwound with its caller needs no routine of its own.
    const bool here = tasks.size() == 1 && when_unwound == WhenUnwound::close;
    if constexpr (std::is_void_v<T>) {
        if (here) {
            co_await tasks[0];
            co_return;
        }
    } else {
        if (here) {
            std::vector<T> results;
            results.push_back(co_await tasks[0]);
            co_return results;
        }
    }
    const Routine& self = co_await this_routine();
    detail::Delegates<T> delegates(when_unwound);
    std::vector<Matcher> finished;
    for (Task<T>& task : tasks) {
        delegates.all.push_back(
            detail::begin_delegate(container, std::move(task), self.name(), at));
        finished.push_back(delegates.all.back().finished());
    }
    co_await wait_for_all(std::move(finished));
    std::vector<std::exception_ptr> exceptions;
    for (const auto& delegate : delegates.all) {
        if (delegate.result().failed()) {
            exceptions.push_back(delegate.result().exception());
        }
    }
    detail::throw_all(std::move(exceptions));
    if constexpr (!std::is_void_v<T>) {
        std::vector<T> results;
        for (const auto& delegate : delegates.all) {
            results.push_back(delegate.result().take());
        }
        co_return results;
    }
}

// co_await execute_all(container, a(), b()): the same for tasks of different types. Returns a
// std::tuple of their results; a task without a result has a std::monostate.
//
//     const auto [user, orders] = co_await execute_all(container, find(name), orders_of(name));
template <class A, class B, class... More>
Task<std::tuple<detail::WithoutVoid<A>, detail::WithoutVoid<B>, detail::WithoutVoid<More>...>>
execute_all(Container& container, Task<A> a, Task<B> b, Task<More>... more) {
    return detail::execute_tuple<A, B, More...>(
        container,
        std::tuple<Task<A>, Task<B>, Task<More>...>(std::move(a), std::move(b), std::move(more)...),
        std::source_location::current());
}

// co_await delegate(container, task): runs the task as a routine of another container and gives
// its result, or throws what it throws, DelegateClosedException if that routine is closed. If the
// waiting routine is unwound, the task continues, unless `when_unwound` says otherwise.
template <class T>
Task<T> delegate(Container& container, Task<T> task, WhenUnwound when_unwound = WhenUnwound::go_on,
                 std::source_location at = std::source_location::current()) {
    const Routine& self = co_await this_routine();
    detail::Delegates<T> delegates(when_unwound);
    delegates.all.push_back(detail::begin_delegate(container, std::move(task), self.name(), at));
    const detail::Delegate<T>& running = delegates.all.back();
    co_await running.finished();
    if constexpr (std::is_void_v<T>) {
        running.result().take();
    } else {
        co_return running.result().take();
    }
}

}  // namespace weir
