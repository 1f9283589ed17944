#pragma once

#include <cstddef>
#include <exception>
#include <source_location>
#include <stdexcept>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "core/run/container.h"
#include "core/run/task.h"
#include "core/wait/execute_all.h"

namespace weir {

/// The task of when_any() that has ended first, and its result.
template <class T>
struct FirstOf {
    std::size_t which = 0;  ///< its position
    T result;
};
template <>
struct FirstOf<void> {
    std::size_t which = 0;
};

namespace detail {

// Waits for any of many matchers.
class WaitForFirst final : public Wait {
public:
    explicit WaitForFirst(std::vector<Matcher> matchers) noexcept
        : matchers_(std::move(matchers)) {}

    std::size_t await_resume() {
        check_interrupted();
        return which_;
    }
    std::span<const Matcher> matchers() const noexcept override { return matchers_; }
    Then matched(const Ref<Event>&, Subscription& subscription) override {
        which_ = subscription.position;
        return Then::resume;
    }

private:
    std::vector<Matcher> matchers_;
    std::size_t which_ = 0;
};

template <class... T>
using OneOf = std::variant<WithoutVoid<T>...>;

template <std::size_t I, class Variant, class... T>
Variant result_of(std::size_t which, DelegateTuple<T...>& delegates) {
    if constexpr (I == sizeof...(T)) {
        throw std::logic_error("no such task");
    } else {
        if (which != I) {
            return result_of<I + 1, Variant>(which, delegates);
        }
        return Variant(std::in_place_index<I>, take_result(std::get<I>(delegates.all)));
    }
}

template <class... T>
Task<OneOf<T...>> first_of_tuple(Container& container, std::tuple<Task<T>...> tasks,
                                 std::source_location at) {
    const Routine& self = co_await this_routine();
    DelegateTuple<T...> delegates;
    std::vector<Matcher> finished = delegates.begin(container, tasks, self.name(), at);
    WaitForFirst first(std::move(finished));
    const std::size_t which = co_await first;
    co_return result_of<0, OneOf<T...>>(which, delegates);
}

}  // namespace detail

/// co_await when_any(container, tasks): runs the tasks side by side, each as a routine of its own
/// in the container, until the first ends; then closes the others. Returns that task's position and
/// result, or throws what it has thrown. Throws std::invalid_argument if there are no tasks. If the
/// waiting routine is unwound, all are closed. To wait for events, any_of() needs no tasks.
template <class T>
Task<FirstOf<T>> when_any(Container& container, std::vector<Task<T>> tasks,
                          std::source_location at = std::source_location::current()) {
    if (tasks.empty()) {
        throw std::invalid_argument("when_any() needs a task");
    }
    const Routine& self = co_await this_routine();
    detail::Delegates<T> delegates(WhenUnwound::close);
    std::vector<Matcher> finished;
    for (Task<T>& task : tasks) {
        delegates.all.push_back(
            detail::begin_delegate(container, std::move(task), self.name(), at));
        finished.push_back(delegates.all.back().finished());
    }
    detail::WaitForFirst first(std::move(finished));
    const std::size_t which = co_await first;
    if constexpr (std::is_void_v<T>) {
        delegates.all[which].result().take();
        FirstOf<void> ended{which};
        co_return ended;
    } else {
        FirstOf<T> ended{which, delegates.all[which].result().take()};
        co_return ended;
    }
}

/// The same for tasks of different types. Returns a std::variant, whose index() is the position of
/// the task that has ended first; a task without a result has a std::monostate.
///
///     const auto first = co_await when_any(container, find(name), orders_of(name));
template <class A, class B, class... More>
Task<detail::OneOf<A, B, More...>> when_any(Container& container, Task<A> a, Task<B> b,
                                            Task<More>... more) {
    return detail::first_of_tuple<A, B, More...>(
        container,
        std::tuple<Task<A>, Task<B>, Task<More>...>(std::move(a), std::move(b), std::move(more)...),
        std::source_location::current());
}

}  // namespace weir
