#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "config/text/position.h"

namespace weir::config {

struct Member;

/// How a value was replaced that is not in a file literally: `"${PORT}"` in a file, or `--set`.
struct Substitution {
    std::string written;  ///< as in the file: `${PORT}`; "" for `--set`
    std::string text;     ///< the replacement: `6380`; a string setting takes it literally
    bool failed = false;  ///< no replacement: already reported, so that no further problem is
};

/// A JSON value with its position in a text. Members of an object keep their order.
///
/// Integers and other numbers stay distinct as written, so that no 64-bit integer loses a digit. A
/// value type: copies are deep. Const use is thread-safe.
class Value {
public:
    using List = std::vector<Value>;
    using Object = std::vector<Member>;

    Value(std::nullptr_t = nullptr);
    Value(bool value);
    Value(double value);
    Value(std::string value);
    Value(std::string_view value) : Value(std::string(value)) {}
    Value(const char* value) : Value(std::string(value)) {}
    Value(List list);
    Value(Object members);
    template <class Integer>
        requires(std::is_integral_v<Integer> && !std::is_same_v<Integer, bool>)
    Value(Integer value)
        : Value(Wide(), static_cast<std::conditional_t<std::is_signed_v<Integer>, std::int64_t,
                                                       std::uint64_t>>(value)) {}
    Value(const Value&);
    Value(Value&&) noexcept;
    Value& operator=(const Value&);
    Value& operator=(Value&&) noexcept;
    ~Value();

    static Value list() { return Value(List()); }
    static Value object();

    /// Returns the content if it is of that kind, else null. Integers above the largest
    /// std::int64_t are std::uint64_t, all other integers std::int64_t.
    template <class Kind>
    const Kind* get() const {
        return std::get_if<Kind>(&content_);
    }
    template <class Kind>
    Kind* get() {
        return std::get_if<Kind>(&content_);
    }
    bool is_null() const { return get<std::nullptr_t>() != nullptr; }
    bool is_string() const { return get<std::string>() != nullptr; }
    bool is_list() const { return get<List>() != nullptr; }
    bool is_object() const { return get<Object>() != nullptr; }

    /// Returns the text for a string setting: the string, or the replacement of a substitution.
    std::optional<std::string_view> text() const;

    /// Returns the member of that name, or null if there is none or this is not an object.
    const Value* find(std::string_view name) const;

    /// Adds a member at the end of an object. Requires that the name is new.
    Value& add(std::string name, Value value);
    /// Adds an element at the end of a list.
    Value& add(Value value);

    /// Compares the content, not the positions. The order of members does not matter.
    friend bool operator==(const Value& left, const Value& right);

    Position position;
    std::shared_ptr<const Substitution> substitution;  ///< shared by copies; null: as written

private:
    struct Wide {};
    Value(Wide, std::int64_t value);
    Value(Wide, std::uint64_t value);

    std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, double, std::string, List,
                 Object>
        content_;
};

/// A named value in an object.
struct Member {
    std::string name;
    Position position;  ///< of the name
    Value value;

    /// Compares name and value, not the positions.
    friend bool operator==(const Member& left, const Member& right);
};

/// Returns JSON text on one line, or with each member on a line of its own, indented by `indent`
/// spaces per level. Bytes that are not UTF-8 become U+FFFD.
std::string to_json(const Value& value);
std::string to_json(const Value& value, int indent);

}  // namespace weir::config
