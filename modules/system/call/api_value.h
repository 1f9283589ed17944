#pragma once

#include <cstdint>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "config/settings/settings.h"
#include "modules/system/call/json_fwd.h"

namespace weir {

/// What an ApiValue knows of the C++ type that it holds. Lies in the library or plugin that made
/// the value.
struct ApiType {
    const std::type_info* type;
    /// Differs when the members of a described struct differ: two libraries that were built at
    /// different times may know different structs by the same name. 0 for JSON.
    std::uint64_t shape;
    void (*destroy)(void* value) noexcept;

    /// Whether values of both types may be used as the same.
    friend bool operator==(const ApiType& a, const ApiType& b) noexcept {
        return &a == &b || (a.shape == b.shape && *a.type == *b.type);
    }
};

namespace detail {

std::uint64_t shape_of(const config::Type& type, std::size_t size);

/// The type of JSON, in weir's library.
const ApiType& json_api_type() noexcept;

}  // namespace detail

template <class T>
const ApiType& api_type_of() {
    if constexpr (std::is_same_v<T, Json>) {
        return detail::json_api_type();
    } else {
        static const ApiType type{&typeid(T), detail::shape_of(config::type_of<T>(), sizeof(T)),
                                  [](void* value) noexcept { delete static_cast<T*>(value); }};
        return type;
    }
}

/// Parameters or a result on their way between two modules: a C++ value, JSON from or for the
/// outside, or nothing. It owns the value, and can be moved but not copied.
class ApiValue {
public:
    ApiValue() noexcept = default;
    explicit ApiValue(Json json);
    ApiValue(ApiValue&& other) noexcept
        : value_(std::exchange(other.value_, nullptr)),
          type_(std::exchange(other.type_, nullptr)) {}
    ApiValue& operator=(ApiValue&& other) noexcept {
        std::swap(value_, other.value_);
        std::swap(type_, other.type_);
        other.reset();
        return *this;
    }
    ~ApiValue() { reset(); }

    template <class T>
    static ApiValue of(T value) {
        const ApiType& type = api_type_of<T>();
        return ApiValue(new T(std::move(value)), type);
    }
    /// JSON null: the result of a function that returns nothing.
    static ApiValue null();
    /// A value of the described type, as JSON.
    static ApiValue json_from(const config::Type& type, const void* value);

    /// Returns the content, or null if it is not of exactly this type.
    template <class T>
    T* get() {
        return type_ != nullptr && *type_ == api_type_of<T>() ? static_cast<T*>(value_) : nullptr;
    }

    bool empty() const noexcept { return type_ == nullptr; }
    /// What is known of the content's type; null if there is none. Lies, with the code that
    /// destroys the content, in the library or plugin that made the value.
    const ApiType* type() const noexcept { return type_; }

private:
    ApiValue(void* value, const ApiType& type) noexcept : value_(value), type_(&type) {}

    void reset() noexcept {
        if (type_ != nullptr) {
            std::exchange(type_, nullptr)->destroy(value_);
        }
    }

    void* value_ = nullptr;  // owned
    const ApiType* type_ = nullptr;
};

}  // namespace weir
