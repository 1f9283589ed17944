#pragma once

#include <source_location>
#include <utility>

#include "core/base/list.h"
#include "core/run/routine.h"
#include "core/run/scheduler.h"
#include "core/run/task.h"

namespace weir {

/// How a routine is started.
struct StartOptions {
    RoutineName name = {};
    /// The scheduler ends although daemons still run.
    bool daemon = false;
    /// The routine runs up to its first wait before start() returns; start() throws what the task
    /// throws until then. Otherwise the routine begins when the running event is done.
    bool foreground = false;
};

/// Starts routines and owns them: routines that still run when it is destroyed are closed. Derive
/// from it to group routines that share data, or use it as it is. A derived class whose routines
/// use its members has to call close() in its destructor, because the members are destroyed before
/// the base.
class Container {
public:
    explicit Container(Scheduler& scheduler) noexcept : scheduler_(scheduler) {}
    Container(const Container&) = delete;
    Container& operator=(const Container&) = delete;
    virtual ~Container() { close(); }

    Scheduler& scheduler() const noexcept { return scheduler_; }
    const List<Routine, Container>& routines() const noexcept { return routines_; }

    /// Runs the task as a routine of its own. Its result is dropped. An exception that leaves the
    /// task is logged with the routine's name and origin; it ends this routine only. Throws
    /// std::logic_error if there is no task, or it was awaited or started before.
    template <class T>
    Ref<Routine> start(Task<T> task, StartOptions options,
                       const std::source_location& at = std::source_location::current()) {
        require_task(task);
        const bool foreground = options.foreground;
        Ref<Routine> routine = make(std::move(options), at);
        routine->start(task.release(), foreground);
        return routine;
    }
    template <class T>
    Ref<Routine> start(Task<T> task,
                       const std::source_location& at = std::source_location::current()) {
        require_task(task);
        Ref<Routine> routine = make(at);
        routine->start(task.release(), false);
        return routine;
    }

    /// Closes all routines, the youngest first. A routine that is running ends at its next wait.
    void close() noexcept;

private:
    Ref<Routine> make(StartOptions options, const std::source_location& at);
    Ref<Routine> make(const std::source_location& at);

    Scheduler& scheduler_;
    List<Routine, Container> routines_;
};

/// co_await this_routine(): returns the running routine, a Routine&. Does not suspend.
struct ThisRoutine {
    bool await_ready() const noexcept { return false; }
    template <InRoutine Promise>
    bool await_suspend(std::coroutine_handle<Promise> coroutine) noexcept {
        routine_ = coroutine.promise().routine;
        return false;
    }
    Routine& await_resume() const noexcept { return *routine_; }

private:
    Routine* routine_ = nullptr;
};

inline ThisRoutine this_routine() noexcept {
    return {};
}

}  // namespace weir
