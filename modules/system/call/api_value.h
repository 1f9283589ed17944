#pragma once

#include <any>
#include <cstdint>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <variant>

#include "config/settings/settings.h"
#include "modules/system/call/json.h"

namespace weir {

namespace detail {

// A struct of one member, so that anything that can be a setting can be a result.
template <class T>
struct ApiHolder {
    T value{};

    static config::Settings<ApiHolder> describe() {
        return config::settings<ApiHolder>("",
                                           config::setting("value", &ApiHolder::value, "result"));
    }
};

std::uint64_t shape_of(const config::Type& type);
std::uint64_t shape_of(const config::Description& description);

}  // namespace detail

// How values of type T are described: what reads, writes and names them.
template <class T>
const config::Type& api_type() {
    return *config::description_of<detail::ApiHolder<T>>().settings().front().type;
}

// A number that differs when the members of a described struct differ: two libraries that were
// built at different times may know different structs by the same name.
template <class T>
std::uint64_t api_shape() {
    static const std::uint64_t shape = [] {
        if constexpr (std::is_same_v<T, Json>) {
            return std::uint64_t{0};
        } else {
            return detail::shape_of(api_type<T>()) * 31 + sizeof(T);
        }
    }();
    return shape;
}

// Parameters or a result on their way between two modules: a C++ value, or JSON from or for the
// outside.
class ApiValue {
public:
    ApiValue() = default;
    explicit ApiValue(Json json) : content_(std::move(json)) {}

    template <class T>
    static ApiValue of(T value) {
        ApiValue result;
        if constexpr (std::is_same_v<T, Json>) {
            result.content_ = std::move(value);
        } else {
            result.content_ = Typed{std::any(std::move(value)), api_shape<T>()};
        }
        return result;
    }

    // The content, or null if it is not of exactly this type.
    template <class T>
    T* get() {
        if constexpr (std::is_same_v<T, Json>) {
            return std::get_if<Json>(&content_);
        } else {
            Typed* typed = std::get_if<Typed>(&content_);
            if (typed == nullptr || typed->shape != api_shape<T>()) {
                return nullptr;
            }
            return std::any_cast<T>(&typed->value);
        }
    }

    // Whether there is a C++ value, and its type.
    const std::type_info* type() const noexcept {
        const Typed* typed = std::get_if<Typed>(&content_);
        return typed == nullptr ? nullptr : &typed->value.type();
    }

private:
    struct Typed {
        std::any value;
        std::uint64_t shape = 0;
    };

    std::variant<std::monostate, Json, Typed> content_;
};

}  // namespace weir
