#pragma once

#include <cstddef>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/settings/type.h"
#include "config/text/utf8.h"

namespace weir::config {

/// The allowed number of characters of a string, elements of a list, or entries of a map.
struct Length {
    std::size_t low = 0;
    std::size_t high = std::numeric_limits<std::size_t>::max();

    friend bool operator==(const Length&, const Length&) = default;
};

/// What is counted, for messages and for the keywords of JSON Schema.
struct Countable {
    const char* one;      ///< "entry"
    const char* many;     ///< "entries"
    const char* keyword;  ///< "Properties" for minProperties and maxProperties
};

/// Returns "not empty", "2 to 8 elements".
std::string length_text(const Length& length, const Countable& countable);

/// Returns what is wrong with a length: "has 1 element, expected 2 to 8 elements".
std::string wrong_length(std::size_t actual, const Length& length, const Countable& countable);

/// Adds keywords such as minLength.
void add_length(Value& schema, const Length& length, const Countable& countable);

inline std::size_t length_of(const std::string& text) {
    return utf8_count(text);
}
template <class T>
std::size_t length_of(const std::vector<T>& list) {
    return list.size();
}
template <class T>
std::size_t length_of(const std::map<std::string, T>& map) {
    return map.size();
}
inline Countable countable(const std::string&) {
    return {"character", "characters", "Length"};
}
template <class T>
Countable countable(const std::vector<T>&) {
    return {"element", "elements", "Items"};
}
template <class T>
Countable countable(const std::map<std::string, T>&) {
    return {"entry", "entries", "Properties"};
}

template <class T>
concept HasLength = requires(const T& value) { length_of(value); };

/// The values of another type that have an allowed length and pass a check.
template <class T>
class CheckedType : public Type {
public:
    /// Returns what is wrong, such as "is not an address", or "".
    using Check = std::function<std::string(const T&)>;

    CheckedType(std::unique_ptr<const Type> inner, Length length, Check check)
        : inner_(std::move(inner)), length_(length), check_(std::move(check)) {}

    std::string name() const override { return inner_->name(); }

    std::string allowed() const override {
        std::string result = inner_->allowed();
        if constexpr (HasLength<T>) {
            if (length_ != Length()) {
                result += (result.empty() ? "" : "; ") + length_text(length_, countable(T{}));
            }
        }
        return result;
    }

    void read(const Fragments& fragments, void* value, Reader& reader) const override {
        const std::size_t problems = reader.count();
        inner_->read(fragments, value, reader);
        if (reader.count() > problems || fragments.empty() || fragments.back().failed_inside())
            return;
        const T& result = *static_cast<const T*>(value);
        if constexpr (HasLength<T>) {
            const std::size_t length = length_of(result);
            if (length < length_.low || length > length_.high) {
                reader.problem(fragments.back(), wrong_length(length, length_, countable(result)));
                return;
            }
        }
        if (!check_) return;
        if (std::string wrong = check_(result); !wrong.empty()) {
            reader.problem(fragments.back(), std::move(wrong));
        }
    }

    bool read_scalar(const Value& scalar, void* value) const override {
        if (!inner_->read_scalar(scalar, value)) return false;
        const T& result = *static_cast<const T*>(value);
        if constexpr (HasLength<T>) {
            const std::size_t length = length_of(result);
            if (length < length_.low || length > length_.high) return false;
        }
        return !check_ || check_(result).empty();
    }

    Value to_json(const void* value) const override { return inner_->to_json(value); }
    bool equal(const void* left, const void* right) const override {
        return inner_->equal(left, right);
    }
    void assign(const void* from, void* to) const override { inner_->assign(from, to); }
    Value schema(SchemaWriter& writer) const override {
        Value schema = inner_->schema(writer);
        if constexpr (HasLength<T>) {
            if (schema.is_object()) add_length(schema, length_, countable(T{}));
        }
        return schema;
    }
    Nested nested() const override { return inner_->nested(); }
    const Check& check() const noexcept { return check_; }

private:
    std::unique_ptr<const Type> inner_;
    Length length_;
    Check check_;
};

}  // namespace weir::config
