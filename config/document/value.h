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

/// How a value came to be that was not written as it is: `"${PORT}"` in a file, or `--set`.
struct Substitution {
    std::string written;  ///< as it stands in the file: `${PORT}`; "" for `--set`
    std::string text;     ///< what it stands for: `6380`; a string setting takes this as it is
    bool failed = false;  ///< it stands for nothing, which was reported: no use to say more
};

/// A JSON value that knows where it was written. Members of an object keep their order.
///
/// Integers and other numbers are told apart as they were written, so that no integer of 64 bits
/// loses a digit. A value type: copies are deep. Const use is thread-safe.
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

    /// The content if it is of that kind, else null. Integers above the largest std::int64_t are
    /// std::uint64_t, all others std::int64_t.
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

    /// The text that a string setting takes: of a string, or of what a substitution stands for.
    std::optional<std::string_view> text() const;

    /// The member of that name of an object; null if there is none or if this is no object.
    const Value* find(std::string_view name) const;

    /// Adds a member at the end of an object. The name must not be there yet.
    Value& add(std::string name, Value value);
    /// Adds an element at the end of a list.
    Value& add(Value value);

    /// Equal content, wherever it was written; the order of members does not matter.
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

    /// Equal name and value, wherever they were written.
    friend bool operator==(const Member& left, const Member& right);
};

/// JSON text: on one line, or with each member on a line of its own, indented by `indent` spaces
/// for each level. Bytes that are not UTF-8 become U+FFFD.
std::string to_json(const Value& value);
std::string to_json(const Value& value, int indent);

}  // namespace weir::config
