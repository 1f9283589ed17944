#include "config/settings/dotted_schema.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/settings/schema_writer.h"

namespace weir::config {

namespace {

// A name as a regular expression, and where its schema is.
struct DottedName {
    std::string pattern;
    std::string pointer;
};

std::string escaped(std::string_view name) {
    std::string result;
    for (const char character : name) {
        if (std::string_view("\\^$.*+?()[]{}|/").find(character) != std::string_view::npos) {
            result += '\\';
        }
        result += character;
    }
    return result;
}

Value* member(Value& object, std::string_view name) {
    return const_cast<Value*>(object.find(name));
}

// Adds dotted names to the schema at `pointer` and to all schemas within it. Returns all names
// below it.
std::vector<DottedName> add(Value& schema, const std::string& pointer) {
    std::vector<DottedName> names;
    const auto add_below = [&](const std::string& pattern, Value& inner, const std::string& part) {
        const std::string place = pointer + part;
        names.push_back({pattern, place});
        for (DottedName& below : add(inner, place)) {
            names.push_back({pattern + "\\." + below.pattern, std::move(below.pointer)});
        }
    };
    if (!schema.is_object()) return names;
    if (Value* items = member(schema, "items")) add(*items, pointer + "/items");
    if (Value* any = member(schema, "anyOf")) {
        auto& alternatives = *any->get<Value::List>();
        for (std::size_t index = 0; index < alternatives.size(); ++index) {
            add(alternatives[index], pointer + "/anyOf/" + std::to_string(index));
        }
    }
    // The names in a map are free, but each is one part of a dotted path.
    Value* entry = member(schema, "additionalProperties");
    if (entry && entry->is_object()) add_below("[^.]+", *entry, "/additionalProperties");

    Value* properties = member(schema, "properties");
    if (!properties) return names;
    for (Member& property : *properties->get<Value::Object>()) {
        add_below(escaped(property.name), property.value,
                  "/properties/" + pointer_part(property.name));
    }
    Value patterns = Value::object();
    if (const Value* aliases = schema.find("patternProperties")) {
        patterns = *aliases;
        for (const Member& alias : *aliases->get<Value::Object>()) {
            // Without ^ and $.
            const std::string pattern = alias.name.substr(1, alias.name.size() - 2);
            names.push_back({pattern, *alias.value.find("$ref")->get<std::string>()});
        }
    }
    for (const DottedName& name : names) {
        if (name.pattern.find("\\.") == std::string::npos) continue;
        patterns.add("^" + name.pattern + "$", Value::object().add("$ref", name.pointer));
    }
    if (patterns.get<Value::Object>()->empty()) return names;
    if (Value* known = member(schema, "patternProperties")) {
        *known = std::move(patterns);
    } else {
        schema.add("patternProperties", std::move(patterns));
    }
    return names;
}

}  // namespace

void add_dotted_names(Value& schema) {
    add(schema, "#");
}

}  // namespace weir::config
