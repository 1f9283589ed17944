#include "apps/weir/app_schema.h"

#include <set>
#include <string>
#include <string_view>

#include "config/settings/schema_writer.h"
#include "modules/system/server/queue_settings.h"

namespace weir::app {

namespace {

using Modules = std::vector<const ModuleClass*>;

// One of the names, which editors propose, or a text that fits the pattern.
Json name_of(const std::set<std::string>& names, const char* pattern) {
    return {{"type", "string"},
            {"anyOf", Json::array({{{"enum", names}}, {{"pattern", pattern}}})}};
}

// A module, an interface that a module has a default for, or a module that the file names.
Json startable(const Modules& modules) {
    std::set<std::string> names;
    for (const ModuleClass* module : modules) {
        names.insert(module->name);
        for (const Dependency& dependency : module->dependencies) {
            if (!dependency.default_implementation.empty()) {
                names.insert(dependency.name);
            }
        }
    }
    return name_of(names, ".");
}

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

// A regular expression for dotted paths into modules that no plugin is named as.
std::string dotted_in_other(const Modules& modules) {
    std::string names = "default";
    for (const ModuleClass* module : modules) {
        names += '|' + escaped(module->name);
    }
    return "(?!(" + names + ")(\\.|$))[^.]+\\..+$";
}

// Modules under other names than their plugin's.
void add_instances(Json& schema, const Modules& modules) {
    std::set<std::string> plugins;
    Json settings = Json::array();
    for (const ModuleClass* module : modules) {
        plugins.insert(module->name);
        const Json is_it{{"properties", {{"plugin", {{"const", module->name}}}}}};
        const std::string pointer =
            "#/properties/module/properties/" + config::pointer_part(module->name);
        settings.push_back({{"if", is_it}, {"then", {{"$ref", pointer}}}});
    }
    Json& module = schema.at("properties").at("module");
    module["additionalProperties"] = {{"type", "object"},
                                      {"description", "A module of that plugin"},
                                      {"properties", {{"plugin", name_of(plugins, R"(\$\{)")}}},
                                      {"required", {"plugin"}},
                                      {"allOf", settings}};
    const std::string dotted = dotted_in_other(modules);
    module["patternProperties"]['^' + dotted] = true;
    schema["patternProperties"]["^module\\." + dotted] = true;
}

void add_queue_kinds(Json& schema, const Modules& modules) {
    std::set<std::string> names(standard_queue_kinds().begin(), standard_queue_kinds().end());
    Json& queue = schema.at("properties").at("server").at("properties").at("queues").at("items");
    Json settings = Json::array();
    for (const ModuleClass* module : modules) {
        for (const ModuleQueueKind& kind : module->queue_kinds) {
            names.insert(kind.name);
            if (kind.settings == nullptr) {
                continue;
            }
            const std::string pointer = "#/$defs/" + config::pointer_part(kind.name);
            schema["$defs"][kind.name] =
                json_of(config::SchemaWriter(pointer).object(*kind.settings));
            const Json is_it{{"required", {"kind"}},
                             {"properties", {{"kind", {{"const", kind.name}}}}}};
            const Json then{{"properties", {{"settings", {{"$ref", pointer}}}}}};
            settings.push_back({{"if", is_it}, {"then", then}});
        }
    }
    Json& kind = queue.at("properties").at("kind");
    const Json description = kind.at("description");
    kind = name_of(names, R"(\$\{)");
    kind["description"] = description;
    kind["default"] = "fifo";
    if (!settings.empty()) {
        queue["allOf"] = std::move(settings);
    }
}

}  // namespace

Json app_schema(const config::Catalogue& catalogue, const Modules& modules) {
    Json schema = json_of(catalogue.schema());
    schema.at("properties").at("server").at("properties").at("startup")["items"] =
        startable(modules);
    add_instances(schema, modules);
    add_queue_kinds(schema, modules);
    return schema;
}

}  // namespace weir::app
