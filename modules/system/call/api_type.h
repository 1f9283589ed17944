#pragma once

#include <cstdint>
#include <type_traits>
#include <typeinfo>

#include "config/settings/settings.h"
#include "modules/system/call/json_fwd.h"

namespace weir {

/// A C++ type as both sides of a call know it. Lies in the library or plugin that uses the type.
struct ApiType {
    const std::type_info* type;
    /// Differs when the members of a described struct differ: two libraries that were built at
    /// different times may know different structs by the same name. 0 for JSON.
    std::uint64_t shape;

    /// Returns whether values of both types may be used as the same.
    friend bool operator==(const ApiType& a, const ApiType& b) noexcept {
        return &a == &b || (a.shape == b.shape && *a.type == *b.type);
    }
};

namespace detail {

std::uint64_t shape_of(const config::Type& type, std::size_t size);

/// The type of JSON, in weir's library.
const ApiType& json_api_type() noexcept;
/// The type of JsonText, there too.
const ApiType& json_text_api_type() noexcept;

}  // namespace detail

template <class T>
const ApiType& api_type_of() {
    if constexpr (std::is_same_v<T, Json>) {
        return detail::json_api_type();
    } else {
        static const ApiType type{&typeid(T), detail::shape_of(config::type_of<T>(), sizeof(T))};
        return type;
    }
}

}  // namespace weir
