#include "config/document/value.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

namespace weir::config {

Value::Value(std::nullptr_t) {}
Value::Value(bool value) : content_(value) {}
Value::Value(double value) : content_(value) {}
Value::Value(std::string value) : content_(std::move(value)) {}
Value::Value(List list) : content_(std::move(list)) {}
Value::Value(Object members) : content_(std::move(members)) {}
Value::Value(Wide, std::int64_t value) : content_(value) {}
Value::Value(Wide, std::uint64_t value) {
    if (std::in_range<std::int64_t>(value)) {
        content_ = static_cast<std::int64_t>(value);
    } else {
        content_ = value;
    }
}
// Copies the content before it enters the variant: that of g++ 12 destroys a content that it does
// not have when copying a whole variant fails for lack of memory.
Value::Value(const Value& other) : position(other.position), substitution(other.substitution) {
    std::visit([this](const auto& content) { content_ = std::decay_t<decltype(content)>(content); },
               other.content_);
}
Value::Value(Value&&) noexcept = default;
Value& Value::operator=(const Value& other) {
    return *this = Value(other);
}
Value& Value::operator=(Value&&) noexcept = default;
Value::~Value() = default;

Value Value::object() {
    return Value(Object());
}

std::optional<std::string_view> Value::text() const {
    if (substitution) return substitution->text;
    if (const auto* string = get<std::string>()) return *string;
    return std::nullopt;
}

const Value* Value::find(std::string_view name) const {
    const Object* members = get<Object>();
    if (!members) return nullptr;
    const auto found = std::find_if(members->begin(), members->end(),
                                    [&](const Member& member) { return member.name == name; });
    return found == members->end() ? nullptr : &found->value;
}

Value& Value::add(std::string name, Value value) {
    std::get<Object>(content_).push_back({std::move(name), {}, std::move(value)});
    return *this;
}

Value& Value::add(Value value) {
    std::get<List>(content_).push_back(std::move(value));
    return *this;
}

bool operator==(const Member& left, const Member& right) {
    return left.name == right.name && left.value == right.value;
}

bool operator==(const Value& left, const Value& right) {
    const auto* members = left.get<Value::Object>();
    const auto* others = right.get<Value::Object>();
    if (!members || !others) return left.content_ == right.content_;
    const auto sorted = [](const Value::Object& object) {
        std::vector<const Member*> result;
        for (const Member& member : object) result.push_back(&member);
        std::sort(result.begin(), result.end(),
                  [](const Member* a, const Member* b) { return a->name < b->name; });
        return result;
    };
    const std::vector<const Member*> some = sorted(*members);
    const std::vector<const Member*> rest = sorted(*others);
    return std::equal(some.begin(), some.end(), rest.begin(), rest.end(),
                      [](const Member* a, const Member* b) { return *a == *b; });
}

namespace {

nlohmann::ordered_json as_nlohmann(const Value& value) {
    if (const auto* boolean = value.get<bool>()) return *boolean;
    if (const auto* integer = value.get<std::int64_t>()) return *integer;
    if (const auto* integer = value.get<std::uint64_t>()) return *integer;
    if (const auto* number = value.get<double>()) return *number;
    if (const auto* string = value.get<std::string>()) return *string;
    if (const auto* list = value.get<Value::List>()) {
        nlohmann::ordered_json result = nlohmann::ordered_json::array();
        for (const Value& element : *list) result.push_back(as_nlohmann(element));
        return result;
    }
    if (const auto* members = value.get<Value::Object>()) {
        // operator[] would search all earlier members for each name.
        nlohmann::ordered_json::object_t object;
        for (const Member& member : *members) {
            object.Container::emplace_back(member.name, as_nlohmann(member.value));
        }
        return object;
    }
    return nullptr;
}

}  // namespace

std::string to_json(const Value& value) {
    return to_json(value, -1);
}

std::string to_json(const Value& value, int indent) {
    return as_nlohmann(value).dump(indent, ' ', false,
                                   nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace weir::config
