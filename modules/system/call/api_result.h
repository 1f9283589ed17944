#pragma once

#include <concepts>
#include <type_traits>
#include <utility>
#include <variant>

#include "modules/system/call/api_error.h"

namespace weir {

/// The result of an API call: a value or an error.
template <class T>
class [[nodiscard]] ApiResult {
public:
    using Value = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

    ApiResult()
        requires std::is_void_v<T>
    = default;
    ApiResult(Value value) : content_(std::in_place_index<0>, std::move(value)) {}
    ApiResult(ApiError error) : content_(std::in_place_index<1>, std::move(error)) {}

    bool ok() const noexcept { return content_.index() == 0; }
    explicit operator bool() const noexcept { return ok(); }

    /// Returns the value. Throws ApiException if there is an error instead.
    Value& value() & {
        check();
        return std::get<0>(content_);
    }
    const Value& value() const& {
        check();
        return std::get<0>(content_);
    }
    Value value() && {
        check();
        return std::get<0>(std::move(content_));
    }

    /// Returns the error. Requires !ok().
    const ApiError& error() const& { return std::get<1>(content_); }
    ApiError error() && { return std::get<1>(std::move(content_)); }

private:
    void check() const {
        if (!ok()) {
            throw ApiException(error());
        }
    }

    std::variant<Value, ApiError> content_;
};

}  // namespace weir
