#include "config/settings/schema_writer.h"

#include <memory>
#include <utility>

#include "config/settings/description.h"

namespace weir::config {

namespace {

std::string sentence_with_unit(const Setting& setting) {
    std::string text = setting.sentence;
    if (!setting.unit.empty()) text += " (" + setting.unit + ")";
    if (setting.fixed) text += "; cannot change while the program runs";
    return text;
}

}  // namespace

std::string pointer_part(const std::string& name) {
    std::string result;
    for (const char character : name) {
        if (character == '~') {
            result += "~0";
        } else if (character == '/') {
            result += "~1";
        } else {
            result += character;
        }
    }
    return result;
}

SchemaWriter::Inside::Inside(SchemaWriter& writer, const std::string& part)
    : writer_(writer), length_(writer.pointer_.size()) {
    writer_.pointer_ += "/" + part;
}

Value SchemaWriter::object(const Description& description) {
    for (const Open& open : open_) {
        if (open.description == &description) return Value::object().add("$ref", open.pointer);
    }
    open_.push_back({&description, pointer_});
    const std::shared_ptr<void> defaults = description.make();
    Value properties = Value::object();
    Value patterns = Value::object();
    Value required = Value::list();
    for (const Setting& setting : description.settings()) {
        const Inside inside(*this, "properties/" + pointer_part(setting.name));
        Value schema = setting.type->schema(*this);
        schema.add("description", sentence_with_unit(setting));
        if (!setting.type->nested().description && !setting.required && !setting.secret) {
            schema.add("default", setting.type->to_json(setting.value_in(defaults.get())));
        }
        properties.add(setting.name, std::move(schema));
        for (const std::string& alias : setting.aliases) {
            patterns.add("^" + alias + "$", Value::object().add("$ref", pointer_));
        }
        if (setting.required && setting.aliases.empty()) required.add(setting.name);
    }
    open_.pop_back();
    Value schema = Value::object().add("type", "object");
    schema.add("properties", std::move(properties));
    if (!patterns.get<Value::Object>()->empty()) {
        schema.add("patternProperties", std::move(patterns));
    }
    schema.add("additionalProperties", false);
    if (complete_ && !required.get<Value::List>()->empty()) {
        schema.add("required", std::move(required));
    }
    return schema;
}

}  // namespace weir::config
