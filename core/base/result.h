#pragma once

#include <cassert>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

namespace weir {

/// The outcome of a computation: empty at first, then a value or an exception. Not thread-safe.
template <class T>
class Result {
    using Value = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

public:
    bool done() const noexcept { return value_.has_value() || exception_ != nullptr; }
    bool failed() const noexcept { return exception_ != nullptr; }
    const std::exception_ptr& exception() const noexcept { return exception_; }

    template <class... U>
    void set(U&&... value) {
        value_.emplace(std::forward<U>(value)...);
    }
    void fail(std::exception_ptr exception) noexcept { exception_ = std::move(exception); }

    /// Returns the value or throws the exception. Requires done().
    std::add_lvalue_reference_t<const T> get() const {
        if (exception_) {
            std::rethrow_exception(exception_);
        }
        assert(value_.has_value());
        if constexpr (!std::is_void_v<T>) {
            return *value_;
        }
    }
    /// Moves the value out or throws the exception. Requires done().
    T take() {
        if (exception_) {
            std::rethrow_exception(exception_);
        }
        assert(value_.has_value());
        if constexpr (!std::is_void_v<T>) {
            return std::move(*value_);
        }
    }

private:
    std::optional<Value> value_;
    std::exception_ptr exception_;
};

}  // namespace weir
