#pragma once

#include <concepts>
#include <coroutine>
#include <exception>
#include <functional>
#include <optional>
#include <source_location>
#include <span>
#include <type_traits>
#include <utility>

#include "core/queue/queue.h"
#include "core/run/scheduler.h"
#include "core/run/wait.h"

namespace weir {

/// The common part of RunInScheduler: the routine waits for the scheduler's call, not for an event.
/// On the scheduler's thread only.
class RunInSchedulerBase : public Wait {
public:
    std::span<const Matcher> matchers() const noexcept override { return {}; }
    Then matched(const Ref<Event>&, Subscription&) override { return Then::wait_on; }
    std::string describe() const override { return "a system call"; }
    /// One call is pending at a time. A second routine tries again in its next turn.
    void take_turn() noexcept override;

protected:
    /// The call, shared with the scheduler, because the calling routine may be closed before or
    /// during the call.
    struct Call : RefCounted<Call>, pool::Pooled {
        virtual ~Call() = default;
        virtual void perform(const Scheduler::Processor& processor) = 0;

        RunInSchedulerBase* wait = nullptr;  ///< null once the waiting object is destroyed
        std::exception_ptr exception;
    };

    explicit RunInSchedulerBase(Ref<Call> call) noexcept : call_(std::move(call)) {}
    ~RunInSchedulerBase() { call_->wait = nullptr; }

    void call_in(Routine& routine);

    const Ref<Call> call_;
};

/// Calls a function in the scheduler's own context, outside of any routine.
template <class F>
class RunInScheduler final : public RunInSchedulerBase {
public:
    using Result = std::invoke_result_t<F&, const Scheduler::Processor&>;

    explicit RunInScheduler(F function)
        : RunInSchedulerBase(Ref<Call>(new CallOf(std::move(function)))) {}

    template <InRoutine Promise>
    void await_suspend(std::coroutine_handle<Promise> coroutine,
                       const std::source_location& at = std::source_location::current()) {
        call_in(*coroutine.promise().routine);
        Wait::await_suspend(coroutine, at);
    }
    Result await_resume() {
        check_interrupted();
        if (call_->exception) {
            std::rethrow_exception(call_->exception);
        }
        if constexpr (!std::is_void_v<Result>) {
            return std::move(*static_cast<CallOf&>(*call_).result);
        }
    }

private:
    struct Nothing {};
    struct CallOf final : Call {
        explicit CallOf(F f) : function(std::move(f)) {}
        void perform(const Scheduler::Processor& processor) override {
            if constexpr (std::is_void_v<Result>) {
                function(processor);
            } else {
                result.emplace(function(processor));
            }
        }

        F function;
        std::optional<std::conditional_t<std::is_void_v<Result>, Nothing, Result>> result;
    };
};

/// co_await run_in_scheduler(function): calls function(processor) once the running routine waits.
/// Returns its result or throws its exception. The function may clear and remove queues;
/// processor(event) delivers an event at once, without a queue.
template <class F>
    requires std::invocable<F&, const Scheduler::Processor&>
RunInScheduler<F> run_in_scheduler(F function) {
    return RunInScheduler<F>(std::move(function));
}

/// For functions in run_in_scheduler(). Drops the queue's events, forgets those that are blocked,
/// and wakes routines that wait for capacity or for an empty queue.
void clear_queue(Scheduler& scheduler, Queue& queue, const Scheduler::Processor& processor);
/// The same for removing the queue from its parent, which takes over its events. Throws
/// std::invalid_argument if the queue is the root or was removed already.
void remove_queue(Scheduler& scheduler, Queue& queue, const Scheduler::Processor& processor);

}  // namespace weir
