#pragma once

#include <concepts>
#include <cstddef>
#include <exception>
#include <memory>
#include <new>
#include <source_location>
#include <span>
#include <type_traits>
#include <utility>

#include "core/base/list.h"
#include "core/base/ref.h"
#include "core/base/result.h"
#include "core/run/poller.h"
#include "core/run/wait.h"
#include "core/wait/future.h"

namespace weir {

class TaskPool;
template <class F>
class PooledCall;

/// Thrown where a routine waits for a function that had not run when the pool was destroyed.
class TaskPoolGoneException : public std::exception {
public:
    const char* what() const noexcept override { return "the task pool is gone"; }
};

/// A function that runs on another thread for one routine. A FutureEvent reports its end.
class PooledWork : public FutureStateBase, public Link<PooledWork, TaskPool>, public Poller::Work {
public:
    /// Called when the routine no longer waits for the function.
    void abandon() noexcept;

protected:
    PooledWork() = default;
    void check_pool() const {
        if (out_of_memory_) {
            throw std::bad_alloc();
        }
        if (pool_gone_) {
            throw TaskPoolGoneException();
        }
    }

private:
    friend class TaskPool;

    void done(bool cancelled) noexcept override;
    void tell();

    // Made when the function is submitted, so that its end needs no memory.
    Ref<FutureEvent> ended_;
    TaskPool* pool_ = nullptr;  // null before submit(), and once the pool has finished with it
    bool started_ = false;
    bool abandoned_ = false;
    bool pool_gone_ = false;
    bool out_of_memory_ = false;  // it was not started
};

/// Runs functions that block, or compute for long, on libuv's threads, and returns their results to
/// the routines that wait for them. Used on the scheduler's thread; the scheduler must outlive it.
///
/// libuv's threads (four unless UV_THREADPOOL_SIZE is set) are shared by the whole process,
/// including its file operations. The limit of a pool leaves threads for these.
///
/// In a Simulation the functions run while it polls, in an order that its seed decides.
class TaskPool {
public:
    /// Runs at most `limit` functions at a time, and at least one. Further functions wait in FIFO
    /// order.
    explicit TaskPool(Scheduler& scheduler, std::size_t limit = 4) noexcept;
    /// Routines that still wait get a TaskPoolGoneException. Functions that run continue to their
    /// end.
    ~TaskPool();
    TaskPool(const TaskPool&) = delete;
    TaskPool& operator=(const TaskPool&) = delete;

    /// Makes a pool that a module may hand over to its next version: std::make_shared would leave
    /// code of the caller's plugin in it, which calls that code when the last owner goes.
    static std::shared_ptr<TaskPool> make_shared(Scheduler& scheduler, std::size_t limit = 4);

    /// co_await pool.run(function): calls function() on another thread. Returns its result or
    /// throws its exception, or std::bad_alloc if there was no memory to begin. Requires that the
    /// function touches nothing that belongs to a scheduler. A scheduler does not quit for lack of
    /// work before the function has returned.
    ///
    /// A lambda that captures needs a variable of its own, because g++ 12 destroys the captures of
    /// a temporary in an awaited expression twice:
    ///
    ///     auto read = [path] { return contents_of(path); };
    ///     const std::string text = co_await pool.run(std::move(read));
    ///
    /// If the routine is closed meanwhile, a function that has not begun is never called, and the
    /// result of a function that has begun is dropped. The function is destroyed on the scheduler's
    /// thread.
    template <class F>
        requires std::invocable<std::decay_t<F>&>
    PooledCall<std::decay_t<F>> run(F&& function);

    /// Includes those that libuv has not begun.
    std::size_t running() const noexcept { return running_; }
    std::size_t waiting() const noexcept { return waiting_count_; }

    /// For PooledCall.
    void submit(PooledWork& work);

private:
    friend class PooledWork;

    void start(PooledWork& work);
    void start_waiting() noexcept;
    static void leave(PooledWork& work);

    Scheduler& scheduler_;
    const std::size_t limit_;
    std::size_t running_ = 0;
    std::size_t waiting_count_ = 0;
    // Each work in a list holds a reference to itself.
    List<PooledWork, TaskPool> waiting_;
    List<PooledWork, TaskPool> started_;
};

/// The awaitable that TaskPool::run returns.
template <class F>
class PooledCall final : public Wait {
public:
    using Value = std::decay_t<std::invoke_result_t<F&>>;

    PooledCall(TaskPool& pool, F function) : pool_(pool), work_(new Work(std::move(function))) {
        const FutureStateBase* identity = work_.get();
        done_ = match<FutureEvent>(identity).make();
    }
    ~PooledCall() { work_->abandon(); }

    template <InRoutine Promise>
    void await_suspend(std::coroutine_handle<Promise> coroutine,
                       const std::source_location& at = std::source_location::current()) {
        pool_.submit(*work_);
        Wait::await_suspend(coroutine, at);
    }
    Value await_resume() {
        check_interrupted();
        return work_->take();
    }

    std::span<const Matcher> matchers() const noexcept override { return {&done_, 1}; }
    Then matched(const Ref<Event>&, Subscription&) override { return Then::resume; }
    std::string describe() const override { return "a function on another thread"; }

private:
    class Work final : public PooledWork {
    public:
        explicit Work(F function) : function_(std::move(function)) {}

        Value take() {
            check_pool();
            return result_.take();
        }

    private:
        void run() noexcept override {
            try {
                if constexpr (std::is_void_v<Value>) {
                    function_();
                    result_.set();
                } else {
                    result_.set(function_());
                }
            } catch (...) {
                result_.fail(std::current_exception());
            }
        }

        F function_;
        Result<Value> result_;
    };

    TaskPool& pool_;
    Ref<Work> work_;
    Matcher done_;
};

template <class F>
    requires std::invocable<std::decay_t<F>&>
PooledCall<std::decay_t<F>> TaskPool::run(F&& function) {
    return PooledCall<std::decay_t<F>>(*this, std::forward<F>(function));
}

}  // namespace weir
