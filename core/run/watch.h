#pragma once

#include <coroutine>
#include <exception>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "core/event/event.h"
#include "core/event/matcher.h"
#include "core/run/task.h"

namespace weir {

class Routine;

/// Matchers that are waited for while a task runs in a routine, in addition to what the task waits
/// for, and a callback for their events. The base of with_callback() and execute_with_timeout().
/// Scopes nest.
class WatchScope {
public:
    WatchScope(const WatchScope&) = delete;
    WatchScope& operator=(const WatchScope&) = delete;

    std::span<const Matcher> matchers() const noexcept { return matchers_; }
    WatchScope* outer() const noexcept { return outer_; }

protected:
    using Callback = std::function<void(const Ref<Event>&, std::size_t which)>;

    WatchScope(std::vector<Matcher> matchers, Callback callback) noexcept
        : matchers_(std::move(matchers)), callback_(std::move(callback)) {}
    ~WatchScope() { leave(); }

    void add_matcher(Matcher matcher) { matchers_.push_back(std::move(matcher)); }
    void enter(Routine& routine, std::coroutine_handle<> awaiting) noexcept;
    void leave() noexcept;

    /// The exception that left the callback, if one did.
    std::exception_ptr failure_;

private:
    friend class Routine;
    /// Unwinds the task that is watched.
    virtual void abandon() noexcept = 0;

    std::vector<Matcher> matchers_;
    Callback callback_;
    Routine* routine_ = nullptr;
    WatchScope* outer_ = nullptr;
    std::coroutine_handle<> awaiting_;
};

template <class T>
class [[nodiscard]] WatchedTask final : public WatchScope {
public:
    WatchedTask(Task<T> task, std::vector<Matcher> matchers, Callback callback) noexcept
        : WatchScope(std::move(matchers), std::move(callback)), task_(std::move(task)) {}

    bool await_ready() const noexcept { return false; }
    template <InRoutine Promise>
    void await_suspend(std::coroutine_handle<Promise> awaiting,
                       const std::source_location& at = std::source_location::current()) noexcept {
        awaiting.promise().waits_at = at;
        Routine& routine = *awaiting.promise().routine;
        enter(routine, awaiting);
        task_.promise().start_in(routine, task_.handle(), awaiting);
    }
    T await_resume() {
        leave();
        if (failure_) {
            std::rethrow_exception(failure_);
        }
        return task_.result();
    }

private:
    void abandon() noexcept override { task_.destroy(); }

    Task<T> task_;
};

/// co_await with_callback(task, callback, matchers...): awaits the task, and returns its result.
/// Calls callback(event, which), in this routine, for every event that matches one of the matchers
/// while the task waits. If the callback throws, the task is unwound, and the exception is thrown
/// here.
template <class T, class... M>
WatchedTask<T> with_callback(Task<T> task,
                             std::function<void(const Ref<Event>&, std::size_t)> callback,
                             const M&... matchers) {
    require_task(task);
    return WatchedTask<T>(std::move(task), std::vector<Matcher>{Matcher(matchers)...},
                          std::move(callback));
}

/// What with_exception() throws: the event that came, and which of the matchers it matched.
class MatchedException : public std::exception {
public:
    MatchedException(Ref<Event> matched, std::size_t position) noexcept
        : event(std::move(matched)), which(position) {}
    const char* what() const noexcept override { return "an event ended the task"; }

    Ref<Event> event;
    std::size_t which;
};

/// co_await with_exception(task, matchers...): awaits the task, and returns its result. If an event
/// that matches one of the matchers comes before, the task is unwound, and MatchedException thrown.
template <class T, class... M>
WatchedTask<T> with_exception(Task<T> task, const M&... matchers) {
    return with_callback(
        std::move(task),
        [](const Ref<Event>& event, std::size_t which) { throw MatchedException(event, which); },
        matchers...);
}

}  // namespace weir
