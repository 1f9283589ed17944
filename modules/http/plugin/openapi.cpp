#include "modules/http/plugin/openapi.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "config/settings/description.h"
#include "core/base/ascii.h"
#include "modules/http/plugin/openapi_gateway.h"
#include "modules/http/plugin/openapi_parts.h"
#include "modules/http/plugin/request_schema.h"
#include "modules/http/router.h"
#include "modules/system/call/api_function.h"
#include "modules/system/module/abi.h"
#include "modules/system/module/module.h"

namespace weir::http {

namespace {

using config::Value;
using openapi_parts::object;

using Place = std::vector<std::string>;  // parts of a JSON pointer

Place inside(Place place, std::initializer_list<const char*> parts) {
    place.insert(place.end(), parts.begin(), parts.end());
    return place;
}

// --- results

Value result_schema(const ApiFunction& function, const Place& place) {
    const std::string& type = function.result;
    if (function.result_members != nullptr && type.starts_with("list")) {
        Value schema = object().add("type", "array");
        schema.add("items", request_schema(*function.result_members, inside(place, {"items"})));
        return schema;
    }
    if (function.result_members != nullptr && type == "object") {
        return request_schema(*function.result_members, place);
    }
    Value schema = object();
    if (type == "string" || type == "integer" || type == "number" || type == "boolean") {
        schema.add("type", type);
    } else if (type.empty()) {
        schema.add("type", "null");
    } else if (type == "list of strings") {
        schema.add("type", "array").add("items", object().add("type", "string"));
    } else if (type != "any") {
        schema.add("description", type);
    }
    return schema;
}

Value responses_of(const ApiFunction& function, const Place& operation) {
    Value good = openapi_parts::response("The result");
    good.add("content", openapi_parts::json_content(result_schema(
                            function, inside(operation, {"responses", "200", "content",
                                                         "application/json", "schema"}))));
    Value responses = object().add("200", std::move(good));
    responses.add("default", openapi_parts::problem());
    return responses;
}

// --- parameters

using Names = std::vector<std::string>;

bool has(const Names& names, const std::string& name) {
    return std::ranges::find(names, name) != names.end();
}

// Returns the schema of an object without the members that the path has already.
Value without(const Value& schema, const Names& names) {
    Value result = object();
    for (const config::Member& member : *schema.get<Value::Object>()) {
        if (member.name == "properties") {
            Value properties = object();
            for (const config::Member& property : *member.value.get<Value::Object>()) {
                if (!has(names, property.name)) {
                    properties.add(property.name, property.value);
                }
            }
            result.add(member.name, std::move(properties));
        } else if (member.name == "required") {
            Value required = Value::list();
            for (const Value& name : *member.value.get<Value::List>()) {
                if (!has(names, *name.get<std::string>())) {
                    required.add(name);
                }
            }
            result.add(member.name, std::move(required));
        } else {
            result.add(member.name, member.value);
        }
    }
    return result;
}

Value parameter_of(const ApiFunction& function, const std::string& name, const char* in,
                   const Place& place) {
    const config::Setting* const setting =
        function.parameters == nullptr ? nullptr : function.parameters->find(name);
    Value parameter = object().add("name", name);
    parameter.add("in", in);
    if (setting != nullptr) {
        parameter.add("description", setting->sentence);
    }
    parameter.add("required",
                  std::string_view(in) == "path" || (setting != nullptr && setting->required));
    return parameter.add("schema", setting != nullptr ? request_schema(*setting, place) : object());
}

// Parameters come from the path, and else from the body, or from the query if there is none. Those
// that are `chosen` by the route do not come from clients.
void add_parameters(Value& operation, const ApiFunction& function, const Names& in_path,
                    const Names& chosen, bool has_body, const Place& place) {
    Names not_in_rest = in_path;
    not_in_rest.insert(not_in_rest.end(), chosen.begin(), chosen.end());
    Value parameters = Value::list();
    const auto add = [&](const std::string& name, const char* in) {
        const std::string index = std::to_string(parameters.get<Value::List>()->size());
        parameters.add(parameter_of(function, name, in,
                                    inside(place, {"parameters", index.c_str(), "schema"})));
    };
    for (const std::string& name : in_path) {
        add(name, "path");
    }
    if (has_body) {
        Value schema = object();
        if (function.parameters != nullptr) {
            schema = without(
                request_schema(*function.parameters, inside(place, {"requestBody", "content",
                                                                    "application/json", "schema"})),
                not_in_rest);
        }
        Value body = object().add("required", true);
        body.add("content", openapi_parts::json_content(std::move(schema)));
        operation.add("requestBody", std::move(body));
    } else if (function.parameters != nullptr) {
        for (const config::Setting& setting : function.parameters->settings()) {
            if (!has(not_in_rest, setting.name)) {
                add(setting.name, "query");
            }
        }
    }
    if (!parameters.get<Value::List>()->empty()) {
        operation.add("parameters", std::move(parameters));
    }
}

// --- operations

struct Called {
    const Module& module;
    const ApiFunction& function;
    Names chosen = {};  // parameters that the route chooses
};

Value operation(const Called& called, std::string id, const std::string& path,
                const std::string& method, const Names& in_path) {
    const Place place = {"paths", path, method};
    Value made = object().add("operationId", std::move(id));
    made.add("summary", called.function.sentence);
    made.add("tags", Value::list().add(called.module.name()));
    add_parameters(made, called.function, in_path, called.chosen, method != "get", place);
    return made.add("responses", responses_of(called.function, place));
}

void add_functions(openapi_parts::Paths& paths, const Module& module) {
    for (const std::string& name : module.type().api.names()) {
        const Called called{module, *module.type().api.find(IndexValue(name))};
        const std::string path = "/call/" + module.name() + "/" + name;
        const std::string id = module.name() + "." + name;
        paths.add(path, "post", operation(called, id, path, "post", {}));
        if (called.function.reads) {
            paths.add(path, "get", operation(called, id + ".get", path, "get", {}));
        }
    }
}

// A path that ends in '*' cannot be said in OpenAPI. Of routes that differ in their hosts only, the
// first is in the document.
void add_route(openapi_parts::Paths& paths, const RouteSettings& route,
               const std::vector<const Module*>& modules) {
    if (!route.call || route.path.ends_with("/*")) {
        return;
    }
    const std::size_t dot = route.call->find('.');
    const auto module = std::ranges::find(modules, route.call->substr(0, dot), &Module::name);
    const ApiFunction* const function =
        module == modules.end()
            ? nullptr
            : (*module)->type().api.find(IndexValue(route.call->substr(dot + 1)));
    const std::string method = in_lower_case(route.methods().front());
    if (function != nullptr && !paths.has(route.path, method)) {
        Names chosen;
        for (const auto& [name, value] : route.with) {
            chosen.push_back(name);
        }
        paths.add(route.path, method,
                  operation({**module, *function, std::move(chosen)},
                            "route." + method + "." + route.path, route.path, method,
                            Router::names_in(route.path)));
    }
}

}  // namespace

Value openapi(const std::vector<const Module*>& modules, const std::vector<RouteSettings>& routes) {
    openapi_parts::Paths paths;
    for (const Module* module : modules) {
        add_functions(paths, *module);
    }
    const auto lock = std::ranges::find(modules, "lock", &Module::name);
    add_gateway(paths, lock == modules.end() ? nullptr : &(*lock)->type().api);
    for (const RouteSettings& route : routes) {
        add_route(paths, route, modules);
    }
    Value info = object().add("title", "weir");
    info.add("version", WEIR_VERSION);
    Value document = object().add("openapi", "3.1.0");
    document.add("info", std::move(info));
    document.add("paths", paths.take());
    document.add("components", openapi_parts::components());
    Value security = Value::list();
    security.add(object());
    security.add(object().add("basic", Value::list()));
    security.add(object().add("bearer", Value::list()));
    return document.add("security", std::move(security));
}

}  // namespace weir::http
