#pragma once

#include <exception>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/container.h"
#include "core/result.h"
#include "core/routine_events.h"
#include "core/scheduler.h"
#include "core/send.h"
#include "core/task.h"
#include "core/wait_for_all.h"

namespace weir {

// Several exceptions that were thrown side by side.
class MultipleException : public std::exception {
public:
    explicit MultipleException(std::vector<std::exception_ptr> thrown);
    const char* what() const noexcept override { return what_.c_str(); }

    const std::vector<std::exception_ptr>& exceptions() const noexcept { return exceptions_; }

private:
    std::vector<std::exception_ptr> exceptions_;
    std::string what_;
};

// The routine that a task was delegated to was closed before the task had ended.
class DelegateClosedException : public std::exception {
public:
    const char* what() const noexcept override { return "the routine of the task was closed"; }
};

namespace detail {

// Tells, with its destruction at the latest, that the task of the running routine has ended.
template <class T>
class DelegateEnd {
public:
    DelegateEnd(Routine& self, std::shared_ptr<Result<T>> result) noexcept
        : self_(self), result_(std::move(result)) {}
    DelegateEnd(const DelegateEnd&) = delete;
    DelegateEnd& operator=(const DelegateEnd&) = delete;
    ~DelegateEnd() {
        if (!result_->done()) {
            result_->fail(std::make_exception_ptr(DelegateClosedException()));
        }
        if (!told_) {
            self_.scheduler().emergency_send(event());
        }
    }

    // The event, to be sent by the caller.
    Ref<Event> tell() {
        told_ = true;
        return event();
    }

private:
    Ref<Event> event() const {
        const Routine* const identity = &self_;
        return make_event<RoutineControlEvent>(RoutineControlEvent::Type::delegate_finished,
                                               identity, Ref<Routine>(&self_));
    }

    Routine& self_;
    std::shared_ptr<Result<T>> result_;
    bool told_ = false;
};

// A task that runs as a routine of its own and tells its end by an event.
template <class T>
struct Delegate {
    std::shared_ptr<Result<T>> result = std::make_shared<Result<T>>();
    Ref<Routine> routine;

    Matcher finished() const {
        const Routine* identity = routine.get();
        return match<RoutineControlEvent>(RoutineControlEvent::Type::delegate_finished, identity)
            .make();
    }
};

// The result is shared with who waits, since either may be closed before the other.
template <class T>
Task<> run_delegate(Task<T> task, std::shared_ptr<Result<T>> result) {
    Routine& self = co_await this_routine();
    DelegateEnd<T> end(self, result);
    try {
        if constexpr (std::is_void_v<T>) {
            co_await task;
            result->set();
        } else {
            result->set(co_await task);
        }
    } catch (...) {
        result->fail(std::current_exception());
        co_return;
    }
    co_await send(end.tell());
}

template <class T>
Delegate<T> begin_delegate(Container& container, Task<T> task, std::string name,
                           const std::source_location& at) {
    Delegate<T> delegate;
    delegate.routine = container.start(run_delegate(std::move(task), delegate.result),
                                       {.name = std::move(name)}, at);
    return delegate;
}

// Closes the routines when whoever waits for them goes.
template <class T>
struct Delegates {
    std::vector<Delegate<T>> all;

    Delegates() = default;
    Delegates(const Delegates&) = delete;
    Delegates& operator=(const Delegates&) = delete;
    ~Delegates() {
        for (const Delegate<T>& delegate : all) {
            delegate.routine->close();
        }
    }
};

void throw_all(std::vector<std::exception_ptr> exceptions);

}  // namespace detail

// What execute_all gives: a result for each task, in order; nothing for tasks without one.
template <class T>
using AllResults = std::conditional_t<std::is_void_v<T>, void, std::vector<T>>;

// co_await execute_all(container, tasks): runs the tasks side by side, each as a routine of its
// own in the container, until all have ended. If one throws, the others still run to their end;
// then its exception is thrown, or, of several, a MultipleException; the exception of one that was
// closed is a DelegateClosedException. If the waiting routine is unwound, so are they.
template <class T>
Task<AllResults<T>> execute_all(Container& container, std::vector<Task<T>> tasks,
                                std::source_location at = std::source_location::current()) {
    if constexpr (std::is_void_v<T>) {
        if (tasks.size() == 1) {
            co_await tasks[0];
            co_return;
        }
    } else {
        if (tasks.size() == 1) {
            std::vector<T> results;
            results.push_back(co_await tasks[0]);
            co_return results;
        }
    }
    const Routine& self = co_await this_routine();
    detail::Delegates<T> delegates;
    std::vector<Matcher> finished;
    for (Task<T>& task : tasks) {
        delegates.all.push_back(
            detail::begin_delegate(container, std::move(task), self.name(), at));
        finished.push_back(delegates.all.back().finished());
    }
    co_await wait_for_all(std::move(finished));
    std::vector<std::exception_ptr> exceptions;
    for (const auto& delegate : delegates.all) {
        if (delegate.result->failed()) {
            exceptions.push_back(delegate.result->exception());
        }
    }
    detail::throw_all(std::move(exceptions));
    if constexpr (!std::is_void_v<T>) {
        std::vector<T> results;
        for (const auto& delegate : delegates.all) {
            results.push_back(delegate.result->take());
        }
        co_return results;
    }
}

// co_await delegate(container, task): runs the task as a routine of another container and gives
// its result, or throws what it throws, DelegateClosedException if that routine is closed. If the
// waiting routine is unwound, the task goes on.
template <class T>
Task<T> delegate(Container& container, Task<T> task,
                 std::source_location at = std::source_location::current()) {
    const Routine& self = co_await this_routine();
    auto running = detail::begin_delegate(container, std::move(task), self.name(), at);
    const Matcher finished = running.finished();
    co_await finished;
    if constexpr (std::is_void_v<T>) {
        running.result->take();
    } else {
        co_return running.result->take();
    }
}

}  // namespace weir
