#include "modules/http/plugin/openapi.h"

#include <string_view>
#include <utility>

#include "config/settings/description.h"
#include "config/settings/schema_writer.h"
#include "modules/system/call/api_function.h"
#include "modules/system/module/abi.h"
#include "modules/system/module/module.h"

namespace weir::http {

namespace {

using config::Value;

Value object() {
    return Value::object();
}

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
    Value result = object();
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

Value schema_of(const config::Description& description, const std::vector<std::string>& place) {
    config::SchemaWriter writer(pointer(place));
    writer.set_complete(true);
    return without_references(writer.object(description));
}

Value json_content(Value schema) {
    return object().add("application/json", object().add("schema", std::move(schema)));
}

Value response(std::string description) {
    return object().add("description", std::move(description));
}

Value reference(const char* name) {
    return object().add("$ref", std::string("#/components/responses/") + name);
}

Value result_schema(const ApiFunction& function, const std::vector<std::string>& place) {
    const std::string& type = function.result;
    if (function.result_members != nullptr && type.starts_with("list")) {
        std::vector<std::string> inner = place;
        inner.emplace_back("items");
        Value schema = object().add("type", "array");
        schema.add("items", schema_of(*function.result_members, inner));
        return schema;
    }
    if (function.result_members != nullptr && type == "object") {
        return schema_of(*function.result_members, place);
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

Value responses_of(const ApiFunction& function, const std::vector<std::string>& place) {
    std::vector<std::string> inner = place;
    for (const char* part : {"responses", "200", "content", "application/json", "schema"}) {
        inner.emplace_back(part);
    }
    Value good = response("The result");
    good.add("content", json_content(result_schema(function, inner)));
    Value responses = object().add("200", std::move(good));
    responses.add("default", reference("Problem"));
    return responses;
}

Value operation(const Module& module, const ApiFunction& function, const std::string& path,
                const char* method) {
    const std::vector<std::string> place = {"paths", path, method};
    Value operation =
        object().add("operationId", module.name() + "_" + function.name +
                                        (std::string_view(method) == "get" ? "_get" : ""));
    operation.add("summary", function.sentence);
    operation.add("tags", Value::list().add(module.name()));
    return operation.add("responses", responses_of(function, place));
}

Value post(const Module& module, const ApiFunction& function, const std::string& path) {
    Value made = operation(module, function, path, "post");
    const std::vector<std::string> place = {
        "paths", path, "post", "requestBody", "content", "application/json", "schema"};
    Value schema =
        function.parameters != nullptr ? schema_of(*function.parameters, place) : object();
    Value body = object().add("required", true);
    body.add("content", json_content(std::move(schema)));
    return made.add("requestBody", std::move(body));
}

Value get(const Module& module, const ApiFunction& function, const std::string& path) {
    Value made = operation(module, function, path, "get");
    Value parameters = Value::list();
    if (function.parameters != nullptr) {
        for (const config::Setting& setting : function.parameters->settings()) {
            config::SchemaWriter writer(pointer({"paths", path, "get", "parameters"}));
            writer.set_complete(true);
            Value parameter = object().add("name", setting.name);
            parameter.add("in", "query");
            parameter.add("description", setting.sentence);
            parameter.add("required", setting.required);
            parameter.add("schema", without_references(setting.type->schema(writer)));
            parameters.add(std::move(parameter));
        }
    }
    return made.add("parameters", std::move(parameters));
}

Value parameter(const char* name, const char* in, const char* description, bool required) {
    Value made = object().add("name", name);
    made.add("in", in).add("description", description).add("required", required);
    return made.add("schema", object().add("type", "string"));
}

Value simple(const char* id, const char* summary, const char* status, const char* description,
             Value parameters = Value::list()) {
    Value made = object().add("operationId", id);
    made.add("summary", summary);
    made.add("parameters", std::move(parameters));
    return made.add(
        "responses",
        object().add(status, response(description)).add("default", reference("Problem")));
}

void add_own_paths(Value& paths) {
    const Value key = parameter("key", "path", "Key of the lock", true);
    const Value session = parameter("session", "query", "Session that acquiring returned", true);
    const Value json = object().add("content", json_content(object().add("type", "object")));
    paths.add("/health",
              object().add("get", simple("health", "Whether the server runs", "200", "It runs")));
    paths.add("/ready", object().add("get", simple("ready", "Whether all modules are loaded", "200",
                                                   "They are")));
    paths.add("/metrics",
              object().add("get", simple("metrics", "All metrics in the text format of Prometheus",
                                         "200", "The metrics (text/plain)")));
    paths.add(
        "/events",
        object().add("get", simple("watch", "Events as they are sent (text/event-stream)", "200",
                                   "A stream that does not end, or the types if none is given",
                                   Value::list()
                                       .add(parameter("type", "query", "Type of the events", false))
                                       .add(parameter("Last-Event-ID", "header",
                                                      "Continues an earlier stream", false)))));
    Value sending = simple("send", "Sends an event", "204", "Its queue has taken it",
                           Value::list().add(parameter("type", "path", "Type of the event", true)));
    sending.add("requestBody", json);
    paths.add("/events/{type}", object().add("post", std::move(sending)));
    paths.add("/locks",
              object().add("get", simple("list_locks", "Lists locks", "200", "The locks")));
    Value acquiring = simple("acquire_lock", "Waits for a lock", "201", "The lock is held",
                             Value::list().add(key));
    acquiring.add("requestBody", json);
    Value renewing = simple("renew_lock", "Starts the time to live anew", "200", "The session",
                            Value::list().add(key).add(session));
    renewing.add("requestBody", json);
    Value lock = object().add("post", std::move(acquiring));
    lock.add("put", std::move(renewing));
    lock.add("delete", simple("release_lock", "Gives the lock back", "204", "It was held",
                              Value::list().add(key).add(session)));
    paths.add("/locks/{key}", std::move(lock));
}

Value components() {
    Value members = object();
    for (const char* name : {"type", "title", "code", "detail"}) {
        members.add(name, object().add("type", "string"));
    }
    members.add("status", object().add("type", "integer"));
    Value schema = object().add("type", "object");
    schema.add("properties", std::move(members));
    Value problem = response("An error (RFC 9457); its code is the same on every route");
    problem.add("content", object().add("application/problem+json",
                                        object().add("schema", std::move(schema))));
    Value basic = object().add("type", "http");
    basic.add("scheme", "basic");
    Value bearer = object().add("type", "http");
    bearer.add("scheme", "bearer").add("description", "USER.PASSWORD");
    Value components = object();
    components.add("responses", object().add("Problem", std::move(problem)));
    components.add("securitySchemes",
                   object().add("basic", std::move(basic)).add("bearer", std::move(bearer)));
    return components;
}

}  // namespace

config::Value openapi(const std::vector<const Module*>& modules) {
    Value paths = object();
    for (const Module* module : modules) {
        for (const std::string& name : module->type().api.names()) {
            const ApiFunction& function = *module->type().api.find(IndexValue(name));
            const std::string path = "/call/" + module->name() + "/" + name;
            Value item = object().add("post", post(*module, function, path));
            if (function.reads) {
                item.add("get", get(*module, function, path));
            }
            paths.add(path, std::move(item));
        }
    }
    add_own_paths(paths);
    Value info = object().add("title", "weir");
    info.add("version", WEIR_VERSION);
    Value document = object().add("openapi", "3.1.0");
    document.add("info", std::move(info));
    document.add("paths", std::move(paths));
    document.add("components", components());
    Value security = Value::list();
    security.add(object());
    security.add(object().add("basic", Value::list()));
    security.add(object().add("bearer", Value::list()));
    return document.add("security", std::move(security));
}

}  // namespace weir::http
