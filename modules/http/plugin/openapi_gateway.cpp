#include "modules/http/plugin/openapi_gateway.h"

#include <string>
#include <utility>

#include "config/settings/description.h"
#include "modules/http/plugin/openapi_parts.h"
#include "modules/http/plugin/request_schema.h"
#include "modules/system/call/api.h"
#include "modules/system/call/api_function.h"

namespace weir::http {

namespace {

using config::Value;
using namespace openapi_parts;

Value text() {
    return object().add("type", "string");
}

Value content(const char* type, Value schema) {
    return object().add(type, object().add("schema", std::move(schema)));
}

Value parameter(const char* name, const char* in, const char* description, bool required = false) {
    Value made = object().add("name", name);
    made.add("in", in).add("description", description).add("required", required);
    return made.add("schema", text());
}

// An operation without responses yet.
Value asking(const char* id, const char* summary, Value parameters = Value::list()) {
    Value made = object().add("operationId", id);
    return made.add("summary", summary).add("parameters", std::move(parameters));
}

// Completes an operation with the responses beside that of all errors.
Value answered(Value operation, Value responses) {
    responses.add("default", problem());
    return operation.add("responses", std::move(responses));
}

Value with_json(const char* description, Value schema) {
    return response(description).add("content", json_content(std::move(schema)));
}

Value switching(const char* description) {
    return response(std::string("To a client that asks for a WebSocket (RFC 6455): ") +
                    description);
}

// --- what programs want to know

void add_state(Paths& paths) {
    paths.add("/health", "get",
              answered(asking("health", "Whether the server runs"),
                       object().add("200", with_json("It runs", object()))));
    Value ready = object().add("200", with_json("They are", object()));
    ready.add("503", with_json("Not yet, with those that are missing", object()));
    paths.add("/ready", "get",
              answered(asking("ready", "Whether all modules of server.startup are loaded"),
                       std::move(ready)));
    paths.add("/metrics", "get",
              answered(asking("metrics", "All metrics in the text format of Prometheus"),
                       object().add(
                           "200",
                           response("The metrics").add("content", content("text/plain", text())))));
    paths.add("/openapi.json", "get",
              answered(asking("openapi", "This document, of what the client may discover"),
                       object().add("200", with_json("The document", object()))));
}

// --- calls and events

void add_calls(Paths& paths) {
    paths.add(
        "/call", "get",
        answered(asking("calls", "Many calls by one WebSocket"),
                 object().add("101", switching("each message is a call, {\"id\": 7, \"call\": "
                                               "\"MODULE.FUNCTION\", \"parameters\": {}}, and is "
                                               "answered by one with the same id and a result or "
                                               "an error"))));
}

// The indices of the type, whichever these are.
Value filters() {
    Value made = object().add("name", "indices");
    made.add("in", "query").add("description", "Values of indices of the type, each INDEX=VALUE");
    made.add("required", false).add("style", "form").add("explode", true);
    Value schema = object().add("type", "object");
    schema.add("additionalProperties", text());
    return made.add("schema", std::move(schema));
}

void add_events(Paths& paths) {
    Value parameters = Value::list();
    parameters.add(parameter("type", "query", "Type of the events; none: the types are listed"));
    parameters.add(filters());
    parameters.add(parameter("last_event_id", "query", "Continues an earlier stream behind it"));
    parameters.add(parameter("Last-Event-ID", "header", "The same; goes before the query"));
    Value streamed = content("text/event-stream", text());
    streamed.add("application/json", object().add("schema", object()));
    Value responses = object().add(
        "200",
        response("A stream that does not end, or the types").add("content", std::move(streamed)));
    responses.add("101", switching("each message is an event, {\"id\": \"...\", \"type\": \"...\", "
                                   "\"data\": {}}, or {\"lost\": 5} for events that were lost"));
    paths.add("/events", "get",
              answered(asking("watch", "Events as they are sent", std::move(parameters)),
                       std::move(responses)));
    Value sending = asking("send", "Sends an event",
                           Value::list().add(parameter("type", "path", "Type of the event", true)));
    Value body = object().add("required", true);
    body.add("content", json_content(object().add("type", "object")));
    sending.add("requestBody", std::move(body));
    paths.add(
        "/events/{type}", "post",
        answered(std::move(sending), object().add("204", response("Its queue has taken it"))));
}

// --- locks

constexpr const char* lock_path = "/locks/{key}";

// A parameter of a function of the locks, which this request gives on under a name of its own.
void add_member(Value& properties, const Api& lock, const char* name, const char* function,
                const char* parameter_name) {
    const config::Setting& setting =
        *lock.find(IndexValue(std::string_view(function)))->parameters->find(parameter_name);
    Value schema = request_schema(setting, {"paths", lock_path, "post", "requestBody", "content",
                                            "application/json", "schema", "properties", name});
    schema.add("description", setting.sentence);
    properties.add(name, std::move(schema));
}

Value wanted_lock_schema(const Api& lock) {
    Value properties = object();
    add_member(properties, lock, "context", "acquire", "context");
    add_member(properties, lock, "shared", "acquire", "shared");
    add_member(properties, lock, "read", "acquire", "read");
    add_member(properties, lock, "wait", "acquire", "timeout");
    add_member(properties, lock, "name", "open_session", "name");
    add_member(properties, lock, "time_to_live", "open_session", "time_to_live");
    Value hold = object().add("type", "boolean");
    hold.add("description", "Hold it as long as the connection: the response does not end");
    properties.add("hold", std::move(hold));
    Value schema = object().add("type", "object");
    schema.add("properties", std::move(properties));
    return schema.add("additionalProperties", false);
}

Value held_lock_schema() {
    Value properties = object();
    for (const char* name : {"key", "session", "time_to_live", "valid_for"}) {
        properties.add(name, text());
    }
    properties.add("token", object().add("type", "integer"));
    return object().add("type", "object").add("properties", std::move(properties));
}

void add_locks(Paths& paths, const Api& lock) {
    Value listing = Value::list();
    listing.add(parameter("pattern", "query", "Which keys, with * and ?"));
    paths.add("/locks", "get",
              answered(asking("list_locks", "Lists locks", std::move(listing)),
                       object().add("200", with_json("The locks", object().add("type", "array")))));

    const Value key = parameter("key", "path", "Key of the lock", true);
    Value acquiring = asking("acquire_lock", "Waits for a lock", Value::list().add(key));
    acquiring.add("requestBody", object().add("content", json_content(wanted_lock_schema(lock))));
    Value responses =
        object().add("200", with_json("It is held as long as the connection", held_lock_schema()));
    responses.add("201", with_json("It is held for its time to live", held_lock_schema()));
    paths.add(lock_path, "post", answered(std::move(acquiring), std::move(responses)));

    Value parameters = Value::list().add(key);
    parameters.add(parameter("session", "query", "Session that acquiring returned", true));
    parameters.add(parameter("context", "query", "Context of the key"));
    Value renewing = asking("renew_lock", "Begins the time to live anew", parameters);
    renewing.add("requestBody", object().add("content", json_content(object())));
    paths.add(
        lock_path, "put",
        answered(std::move(renewing), object().add("200", with_json("The session", object()))));
    paths.add(lock_path, "delete",
              answered(asking("release_lock", "Gives the lock back, and ends the session",
                              std::move(parameters)),
                       object().add("204", response("It was held"))));
}

}  // namespace

void add_gateway(Paths& paths, const Api* lock) {
    add_state(paths);
    add_calls(paths);
    add_events(paths);
    if (lock != nullptr) {
        add_locks(paths, *lock);
    }
}

}  // namespace weir::http
