#include "modules/rules/shape.h"

#include <array>
#include <string_view>
#include <utility>

#include "config/settings/schema_writer.h"
#include "config/settings/settings.h"

namespace weir::rules {

namespace {

using Kinds = std::pair<std::string_view, unsigned>;
constexpr std::array<Kinds, 7> names_in_schema{{{"null", Shape::null},
                                                {"boolean", Shape::boolean},
                                                {"integer", Shape::integer},
                                                {"number", Shape::number},
                                                {"string", Shape::string},
                                                {"array", Shape::list},
                                                {"object", Shape::object}}};
constexpr std::array<Kinds, 7> names_for_people{{{"null", Shape::null},
                                                 {"a boolean", Shape::boolean},
                                                 {"an integer", Shape::integer},
                                                 {"a number", Shape::number},
                                                 {"a string", Shape::string},
                                                 {"a list", Shape::list},
                                                 {"an object", Shape::object}}};

unsigned kind_named(const config::Value& name) noexcept {
    for (const auto& [known, kind] : names_in_schema) {
        if (name.text() == known) {
            return kind;
        }
    }
    return Shape::anything;
}

unsigned kinds_of_schema(const config::Value& schema);

// A schema allows strings that refer to the environment, whatever the type: those are not meant.
bool is_reference_to_environment(const config::Value& schema) {
    const config::Value* const pattern = schema.find("pattern");
    return pattern != nullptr && (pattern->text() == config::reference_pattern ||
                                  pattern->text() == config::text_with_reference_pattern);
}

unsigned kinds_of_type(const config::Value& schema, const config::Value& type) {
    unsigned kinds = 0;
    if (const auto* names = type.get<config::Value::List>()) {
        for (const config::Value& name : *names) {
            kinds |= kind_named(name);
        }
    } else {
        kinds = kind_named(type);
    }
    if (is_reference_to_environment(schema)) {
        kinds &= ~unsigned{Shape::string};
    }
    return kinds;
}

unsigned kinds_of_schema(const config::Value& schema) {
    if (schema.find("$ref") != nullptr) {
        return Shape::object;
    }
    if (const config::Value* type = schema.find("type")) {
        return kinds_of_type(schema, *type);
    }
    for (const char* several : {"anyOf", "oneOf"}) {
        if (const config::Value* found = schema.find(several)) {
            unsigned kinds = 0;
            for (const config::Value& part : *found->get<config::Value::List>()) {
                kinds |= kinds_of_schema(part);
            }
            return kinds;
        }
    }
    if (const config::Value* names = schema.find("enum")) {
        unsigned kinds = 0;
        for (const config::Value& name : *names->get<config::Value::List>()) {
            kinds |= name.is_string() ? Shape::string
                     : name.is_null() ? Shape::null
                                      : Shape::anything;
        }
        return kinds;
    }
    return Shape::anything;
}

struct FailureMembers {
    std::string code;
    std::string message;
    std::string step;

    static config::Settings<FailureMembers> describe() {
        using config::setting;
        using S = FailureMembers;
        return config::settings<S>("Why a step has failed",
                                   setting("code", &S::code, "For programs"),
                                   setting("message", &S::message, "For people"),
                                   setting("step", &S::step, "The place of the step"));
    }
};

}  // namespace

Shape shape_of_failure() {
    return {Shape::object, &config::description_of<FailureMembers>()};
}

bool Shape::fits(const Shape& wanted) const noexcept {
    constexpr unsigned numbers = integer | number;
    const unsigned taken = (wanted.kinds & numbers) != 0 ? wanted.kinds | numbers : wanted.kinds;
    return (kinds & taken) != 0;
}

std::string Shape::describe() const {
    if (kinds == anything) {
        return "any value";
    }
    std::string text;
    for (const auto& [name, kind] : names_for_people) {
        if ((kinds & kind) != 0 && kind != null) {
            text += (text.empty() ? "" : " or ") + std::string(name);
        }
    }
    if ((kinds & null) != 0) {
        text += text.empty() ? "null" : " or null";
    }
    return text;
}

Shape shape_of(const config::Type& type) {
    config::SchemaWriter writer("#");
    Shape shape{kinds_of_schema(type.schema(writer))};
    const config::Nested nested = type.nested();
    if (nested.is_member) {
        shape.members = nested.description;
    } else if (nested.suffix == "[]") {
        shape.elements = nested.description;
    }
    return shape;
}

Shape shape_of(const Json& value) {
    switch (value.type()) {
        case Json::value_t::null:
            return {Shape::null};
        case Json::value_t::boolean:
            return {Shape::boolean};
        case Json::value_t::number_integer:
        case Json::value_t::number_unsigned:
            return {Shape::integer};
        case Json::value_t::number_float:
            return {Shape::number};
        case Json::value_t::string:
            return {Shape::string};
        case Json::value_t::array:
            return {Shape::list};
        case Json::value_t::object:
            return {Shape::object};
        default:
            return {};
    }
}

Shape result_shape(const ApiFunction& function) {
    const std::string& name = function.result;
    if (name.empty()) {
        return {Shape::null};
    }
    if (name == "object") {
        return {Shape::object, function.result_members};
    }
    if (name == "list of objects") {
        return {Shape::list, nullptr, function.result_members};
    }
    for (const auto& [known, kind] : names_in_schema) {
        if (name == known) {
            return {kind};
        }
    }
    return {name.starts_with("list of ") ? unsigned{Shape::list} : unsigned{Shape::anything}};
}

}  // namespace weir::rules
