#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "config/settings/codec.h"
#include "config/settings/schema_writer.h"
#include "config/settings/type.h"
#include "config/text/joined.h"

namespace weir::config {

/// Returns a value as messages name it: `5`, `"20s"`, `5 (from "${N}")`, or `the value` if it is
/// secret.
std::string shown(const Value& value, bool secret);

/// Returns `is not one of a, b (did you mean 'a'?)`.
std::string not_one_of(const Value& value, bool secret, const std::vector<std::string>& names);

/// Returns "1 to 10", "at least 1", "at most 10", or "" if both ends are open.
std::string range_text(const std::string& low, const std::string& high);

/// Settings of one scalar type. The last layer wins.
template <class T>
class ScalarType : public Type {
public:
    explicit ScalarType(Bounds<T> bounds) : bounds_(std::move(bounds)) {}

    std::string name() const override { return Codec<T>::name(); }

    std::string allowed() const override {
        if (!choices().empty()) return joined(choices());
        const Bounds<T> natural = Codec<T>::natural();
        // "0 to 10" is clearer than "at most 10" if no value is below 0.
        const bool from_zero = !bounds_.low && bounds_.high && natural.low == T{};
        return range_text(
            bounds_.low || from_zero ? text(from_zero ? natural.low : bounds_.low) : "",
            text(bounds_.high));
    }

    void read(const Fragments& fragments, void* value, Reader& reader) const override {
        reader.report_twins(fragments);
        for (const Fragment& fragment : fragments) {
            Decoded<T> decoded;
            if (fragment.plain() && !fragment.failed()) {
                decoded = Codec<T>::decode(*fragment.value);
            }
            std::string wrong = std::move(decoded.wrong);
            if (wrong.empty()) wrong = wrong_value(decoded, *fragment.value, reader.secret());
            if (!wrong.empty()) {
                reader.problem(fragment, shown(*fragment.value, reader.secret()) + " " + wrong);
            } else if (!decoded.value) {
                reader.mismatch(fragment, expected());
            } else {
                *static_cast<T*>(value) = *std::move(decoded.value);
            }
        }
    }

    bool read_scalar(const Value& scalar, void* value) const override {
        Decoded<T> decoded = Codec<T>::decode(scalar);
        if (!decoded.value || !decoded.wrong.empty() || !allows(*decoded.value)) return false;
        *static_cast<T*>(value) = *std::move(decoded.value);
        return true;
    }

    Value to_json(const void* value) const override {
        return Codec<T>::encode(*static_cast<const T*>(value));
    }
    bool equal(const void* left, const void* right) const override {
        return *static_cast<const T*>(left) == *static_cast<const T*>(right);
    }
    void assign(const void* from, void* to) const override {
        *static_cast<T*>(to) = *static_cast<const T*>(from);
    }
    Value schema(SchemaWriter&) const override {
        if (bounds_.one_of.empty()) return Codec<T>::schema(bounds_);
        Value values = Value::list();
        for (const T& value : bounds_.one_of) values.add(Codec<T>::encode(value));
        Value reference =
            Value::object().add("type", "string").add("pattern", text_with_reference_pattern);
        Value schema = Value::object();
        schema.add("anyOf", Value::list()
                                .add(Value::object().add("enum", std::move(values)))
                                .add(std::move(reference)));
        return schema;
    }

private:
    static std::string text(const std::optional<T>& value) {
        return value ? Codec<T>::text(*value) : "";
    }

    std::vector<std::string> choices() const {
        std::vector<std::string> result;
        for (const T& value : bounds_.one_of) result.push_back(Codec<T>::text(value));
        return result;
    }

    std::string expected() const {
        return choices().empty() ? Codec<T>::expected() : "one of " + joined(choices());
    }

    bool allows(const T& value) const {
        if (!bounds_.one_of.empty()) {
            return std::find(bounds_.one_of.begin(), bounds_.one_of.end(), value) !=
                   bounds_.one_of.end();
        }
        const Bounds<T> natural = Codec<T>::natural();
        const std::optional<T>& low = bounds_.low ? bounds_.low : natural.low;
        const std::optional<T>& high = bounds_.high ? bounds_.high : natural.high;
        return (!low || !(value < *low)) && (!high || !(*high < value));
    }

    // Returns why the setting does not allow the decoded value; "" if it does, or if nothing was
    // decoded.
    std::string wrong_value(const Decoded<T>& decoded, const Value& value, bool secret) const {
        const std::optional<T>& result = decoded.value;
        if (result ? allows(*result) : !decoded.out_of_range) return "";
        if (result && !bounds_.one_of.empty()) return not_one_of(value, secret, choices());
        const Bounds<T> natural = Codec<T>::natural();
        const std::optional<T>& low = bounds_.low ? bounds_.low : natural.low;
        const std::optional<T>& high = bounds_.high ? bounds_.high : natural.high;
        const bool needs_both = decoded.out_of_range;
        return "is out of range: " +
               range_text(needs_both || bounds_.low || low == T{} ? text(low) : "",
                          needs_both || bounds_.high ? text(high) : "");
    }

    Bounds<T> bounds_;
};

}  // namespace weir::config
