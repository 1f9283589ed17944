// The JSON Schema of a whole app file: Catalogue::schema().

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "config/settings/catalogue.h"
#include "config/settings/dotted_schema.h"
#include "config/settings/schema_writer.h"

namespace weir::config {

namespace {

// A section, or a step on the path to sections.
struct Node {
    std::string name;
    std::vector<Node> below;
    const Section* section = nullptr;
    bool is_open = false;  // its content is unknown

    Node& child(const std::string& child_name) {
        for (Node& node : below) {
            if (node.name == child_name) return node;
        }
        below.emplace_back().name = child_name;
        return below.back();
    }
};

Value reference(const std::string& pointer) {
    return Value::object().add("$ref", pointer);
}

// Appends the members of `from`'s object `name` to `to`'s object of the same name.
void append_members(Value& to, const Value& from, const char* name) {
    const Value* members = from.find(name);
    if (!members) return;
    auto* target = [&]() -> Value::Object* {
        for (Member& member : *to.get<Value::Object>()) {
            if (member.name == name) return member.value.get<Value::Object>();
        }
        to.add(name, Value::object());
        return to.get<Value::Object>()->back().value.get<Value::Object>();
    }();
    const auto& source = *members->get<Value::Object>();
    target->insert(target->end(), source.begin(), source.end());
}

// `module.default`: each setting of any module, with the values that all modules with it allow.
Value defaults_schema(const Node& modules) {
    std::vector<std::pair<std::string, Value>> settings;
    bool all_known = true;
    for (const Node& node : modules.below) {
        if (node.is_open) all_known = false;
        if (!node.section) continue;
        for (const Description* part : node.section->parts) {
            for (const Setting& setting : part->settings()) {
                Value pointer =
                    reference("#/properties/module/properties/" + pointer_part(node.name) +
                              "/properties/" + pointer_part(setting.name));
                bool is_new = true;
                for (auto& [name, all] : settings) {
                    if (name != setting.name) continue;
                    all.add(pointer);
                    is_new = false;
                }
                if (is_new) settings.emplace_back(setting.name, Value::list().add(pointer));
            }
        }
    }
    Value properties = Value::object();
    for (auto& [name, all] : settings) {
        auto& list = *all.get<Value::List>();
        properties.add(name, list.size() == 1 ? list[0] : Value::object().add("allOf", all));
    }
    return Value::object()
        .add("type", "object")
        .add("description", "Values for all modules that have such a setting and none of their own")
        .add("properties", std::move(properties))
        .add("additionalProperties", !all_known);
}

Value node_schema(const Node& node, const std::string& pointer, const Path& path) {
    if (node.is_open) return Value::object();
    Value schema = Value::object().add("type", "object");
    if (node.section) {
        std::string sentences;
        for (const Description* part : node.section->parts) {
            sentences += (sentences.empty() ? "" : "; ") + part->sentence();
        }
        schema.add("description", sentences);
    }
    schema.add("properties", Value::object());
    if (node.section) {
        for (const Description* part : node.section->parts) {
            const Value settings = SchemaWriter(pointer).object(*part);
            append_members(schema, settings, "properties");
            append_members(schema, settings, "patternProperties");
        }
    }
    Value below = Value::object();
    if (path.text() == "module") below.add("default", defaults_schema(node));
    for (const Node& child : node.below) {
        Path deeper = path;
        deeper.push(child.name);
        below.add(child.name,
                  node_schema(child, pointer + "/properties/" + pointer_part(child.name), deeper));
    }
    append_members(schema, Value::object().add("properties", std::move(below)), "properties");
    schema.add("additionalProperties", false);
    return schema;
}

}  // namespace

Value Catalogue::schema() const {
    Node root;
    for (const Section& section : sections_) {
        Node* node = &root;
        const Path path(section.path);
        for (const Path::Step& step : path.steps()) {
            node = &node->child(std::get<std::string>(step));
        }
        node->section = &section;
    }
    for (const std::string& name : known_modules_) {
        Node& node = root.child("module").child(name);
        node.is_open = node.section == nullptr && node.below.empty();
    }
    Value tree = node_schema(root, "#", {});
    Value schema = Value::object();
    schema.add("$schema", "https://json-schema.org/draft/2020-12/schema");
    schema.add("title", "A weir app");
    schema.add("description",
               "Files and folders in settings are relative to the folder in which the server is "
               "started, those of include to the folder of this file");
    schema.add("type", "object");
    const Value file_name = Value::object().add("type", "string").add("minLength", 1);
    Value properties = Value::object();
    properties.add("$schema", Value::object()
                                  .add("type", "string")
                                  .add("description", "The schema of this file, for editors"));
    properties.add(
        "include",
        Value::object()
            .add("description", "Files to read before this one, relative to its folder")
            .add("anyOf", Value::list().add(file_name).add(
                              Value::object().add("type", "array").add("items", file_name))));
    schema.add("properties", std::move(properties));
    append_members(schema, tree, "properties");
    schema.add("additionalProperties", false);
    add_dotted_names(schema);
    return schema;
}

}  // namespace weir::config
