#include "modules/http/plugin/openapi_parts.h"

namespace weir::http::openapi_parts {

using config::Value;

Value Paths::take() {
    Value paths = object();
    for (auto& [path, by_method] : operations_) {
        Value item = object();
        for (auto& [method, operation] : by_method) {
            item.add(method, std::move(operation));
        }
        paths.add(path, std::move(item));
    }
    operations_.clear();
    return paths;
}

Value json_content(Value schema) {
    return object().add("application/json", object().add("schema", std::move(schema)));
}

Value response(std::string description) {
    return object().add("description", std::move(description));
}

Value problem() {
    return object().add("$ref", "#/components/responses/Problem");
}

Value components() {
    Value members = object();
    for (const char* name : {"type", "title", "code", "detail"}) {
        members.add(name, object().add("type", "string"));
    }
    members.add("status", object().add("type", "integer"));
    Value schema = object().add("type", "object");
    schema.add("properties", std::move(members));
    Value error = response("An error (RFC 9457); its code is the same on every route");
    error.add("content",
              object().add("application/problem+json", object().add("schema", std::move(schema))));
    Value basic = object().add("type", "http");
    basic.add("scheme", "basic");
    Value bearer = object().add("type", "http");
    bearer.add("scheme", "bearer").add("description", "USER.PASSWORD");
    Value all = object();
    all.add("responses", object().add("Problem", std::move(error)));
    return all.add("securitySchemes",
                   object().add("basic", std::move(basic)).add("bearer", std::move(bearer)));
}

}  // namespace weir::http::openapi_parts
