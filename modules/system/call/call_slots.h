#pragma once

#include <cstdint>
#include <optional>

#include "modules/system/call/api_error.h"
#include "modules/system/call/api_type.h"

namespace weir {

/// What the caller of a function gives, and the room for what it gets: both lie in the frame of the
/// caller, so that each is moved once and nothing is allocated for it.
struct CallSlots {
    enum class State : std::uint8_t {
        pending,
        value,       ///< `result` has been made there, unless the caller wants none
        other_type,  ///< the function's result is not of the type that the caller expects
        error,
    };

    /// Stores an error as the answer.
    void fail(ApiError why) noexcept {
        error.emplace(std::move(why));
        state = State::error;
    }
    /// Stores the result of a function that returns nothing.
    void give_nothing();
    /// Stores a result of a described type as JSON. Requires that the caller wants JSON.
    void give_json(const config::Type& type, const void* value);

    void* parameters = nullptr;
    const ApiType* parameters_type = nullptr;
    void* result = nullptr;                ///< memory for one object of `result_type`
    const ApiType* result_type = nullptr;  ///< null: the caller wants none
    State state = State::pending;
    std::optional<ApiError> error;  ///< if the state is `error`
};

}  // namespace weir
