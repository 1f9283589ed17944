#pragma once

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

namespace weir {

// What a computation ends with: a value, or an exception. Empty before.
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

    // The value, or throws the exception. Requires that it is done.
    std::add_lvalue_reference_t<const T> get() const {
        if (exception_) {
            std::rethrow_exception(exception_);
        }
        if constexpr (!std::is_void_v<T>) {
            return *value_;
        }
    }
    // The same, moving the value out.
    T take() {
        if (exception_) {
            std::rethrow_exception(exception_);
        }
        if constexpr (!std::is_void_v<T>) {
            return std::move(*value_);
        }
    }

private:
    std::optional<Value> value_;
    std::exception_ptr exception_;
};

}  // namespace weir
