#include "modules/http/plugin/request_schema.h"

#include <utility>

#include "config/settings/description.h"
#include "config/settings/schema_writer.h"

namespace weir::http {

namespace {

using config::Value;

// A configuration may have a reference to the environment, "${PORT}", wherever it has a value. A
// request may not: these functions take the alternative out of the schema of a setting.

bool is_reference(const Value& schema) {
    const Value* const pattern = schema.find("pattern");
    return pattern != nullptr && (*pattern == Value(config::reference_pattern) ||
                                  *pattern == Value(config::text_with_reference_pattern));
}

// Returns the types of a value that is no text, only because it may be a reference.
Value without_string(const Value& types) {
    const auto* list = types.get<Value::List>();
    if (list == nullptr) {
        return types;
    }
    Value rest = Value::list();
    for (const Value& type : *list) {
        if (type != Value("string")) {
            rest.add(type);
        }
    }
    const auto& left = *rest.get<Value::List>();
    return left.size() == 1 ? Value(left.front()) : rest;
}

// Returns the pattern without its last alternative, if that is a reference.
Value without_reference(const Value& pattern) {
    const std::string end = std::string("|") + config::text_with_reference_pattern;
    const auto* text = pattern.get<std::string>();
    return text != nullptr && text->ends_with(end)
               ? Value(text->substr(0, text->size() - end.size()))
               : pattern;
}

Value without_references(const Value& schema);

// Returns the alternatives that are no references.
Value alternatives_of(const Value::List& all) {
    Value rest = Value::list();
    for (const Value& alternative : all) {
        if (!is_reference(alternative)) {
            rest.add(without_references(alternative));
        }
    }
    return rest;
}

Value without_references(const Value& schema) {
    const auto* members = schema.get<Value::Object>();
    if (members == nullptr) {
        return schema;
    }
    const bool may_be_reference = is_reference(schema);
    Value result = Value::object();
    const auto add_all = [&result](const Value& from) {
        for (const config::Member& member : *from.get<Value::Object>()) {
            result.add(member.name, member.value);
        }
    };
    for (const config::Member& member : *members) {
        const auto* list = member.value.get<Value::List>();
        if (member.name == "anyOf" && list != nullptr) {
            Value rest = alternatives_of(*list);
            const auto& left = *rest.get<Value::List>();
            if (left.size() == 1 && left.front().is_object()) {
                add_all(left.front());
            } else {
                result.add("anyOf", std::move(rest));
            }
        } else if (member.name == "type" && may_be_reference) {
            result.add("type", without_string(member.value));
        } else if (member.name == "pattern") {
            if (!may_be_reference) {
                result.add("pattern", without_reference(member.value));
            }
        } else {
            result.add(member.name, without_references(member.value));
        }
    }
    return result;
}

std::string pointer(const std::vector<std::string>& parts) {
    std::string text = "#";
    for (const std::string& part : parts) {
        text += "/" + config::pointer_part(part);
    }
    return text;
}

}  // namespace

Value request_schema(const config::Description& members, const std::vector<std::string>& place) {
    config::SchemaWriter writer(pointer(place));
    writer.set_complete(true);
    return without_references(writer.object(members));
}

Value request_schema(const config::Setting& member, const std::vector<std::string>& place) {
    config::SchemaWriter writer(pointer(place));
    writer.set_complete(true);
    return without_references(member.type->schema(writer));
}

}  // namespace weir::http
