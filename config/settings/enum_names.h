#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/settings/codec.h"
#include "config/settings/scalar_type.h"

namespace weir::config {

/// The names of an enum's values, in the order in which messages list them. A function `names_of`
/// beside an enum makes it a type of settings:
///
///     enum class QueueKind { fifo, priority };
///     inline weir::config::EnumNames<QueueKind> names_of(QueueKind) {
///         return {{"fifo", QueueKind::fifo}, {"priority", QueueKind::priority}};
///     }
template <class E>
using EnumNames = std::vector<std::pair<std::string_view, E>>;

template <class E>
concept NamedEnum = std::is_enum_v<E> && requires(E value) {
    { names_of(value) } -> std::same_as<EnumNames<E>>;
};

template <NamedEnum E>
struct Codec<E> {
    static std::string name() { return "name"; }
    static std::string expected() { return "one of " + joined(all_names()); }
    static Bounds<E> natural() { return {}; }
    static Decoded<E> decode(const Value& value) {
        const auto text = value.text();
        if (!text) return {};
        for (const auto& [name, result] : names_of(E{})) {
            if (name == *text) return {result, false, ""};
        }
        return {{}, false, not_one_of(value, false, all_names())};
    }
    static Value encode(const E& value) { return text(value); }
    static std::string text(const E& value) {
        for (const auto& [name, named] : names_of(E{})) {
            if (named == value) return std::string(name);
        }
        return "";
    }
    static Value schema(const Bounds<E>&) { return Value::object(); }

private:
    static std::vector<std::string> all_names() {
        std::vector<std::string> names;
        for (const auto& [name, value] : names_of(E{})) names.emplace_back(name);
        return names;
    }
};

/// Returns bounds that allow all values of the enum, unless `bounds` lists values.
template <NamedEnum E>
Bounds<E> with_all_names(Bounds<E> bounds) {
    if (bounds.one_of.empty()) {
        for (const auto& [name, value] : names_of(E{})) bounds.one_of.push_back(value);
    }
    return bounds;
}

}  // namespace weir::config
