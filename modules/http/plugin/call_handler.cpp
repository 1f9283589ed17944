#include "modules/http/plugin/call_handler.h"

#include <memory>
#include <utility>

#include "config/settings/description.h"
#include "config/text/quoted.h"
#include "modules/http/connection_watch.h"
#include "modules/http/http_error.h"
#include "modules/http/plugin/json_body.h"
#include "modules/system/call/call.h"
#include "modules/system/call/json.h"
#include "modules/system/module/module.h"
#include "modules/system/server/loader.h"

namespace weir::http {

namespace {

// Returns the text as the value that the parameter takes: a text if it takes one, else what the
// text is in JSON. A text that fits neither stays as it is: the function says what is wrong.
Json value_from(const config::Setting* parameter, const config::Description* description,
                const std::string& text) {
    Json json = Json::parse(text, nullptr, false);
    if (json.is_discarded() || json.is_string()) {
        return text;
    }
    if (parameter == nullptr) {
        return text;
    }
    const std::shared_ptr<void> scratch = description->make();
    void* const place = parameter->value_in(scratch.get());
    if (parameter->type->read_scalar(config::Value(text), place)) {
        return text;
    }
    return json;
}

}  // namespace

void add_parameter(Json& parameters, const config::Description* description,
                   const std::string& name, const std::string& text) {
    if (parameters.contains(name)) {
        throw HttpError(400, ApiError::bad_parameter,
                        "the parameter '" + config::printable(name) + "' is there several times");
    }
    const config::Setting* parameter = description != nullptr ? description->find(name) : nullptr;
    parameters[name] = value_from(parameter, description, text);
}

const CallHandler::Fixed CallHandler::no_parameters;

const ApiFunction* CallHandler::find(const std::string& module, const std::string& function) const {
    const Module* const found = loader_.find(module);
    return found != nullptr ? found->type().api.find(IndexValue(function)) : nullptr;
}

Task<Json> CallHandler::call(Exchange& exchange, std::string module, std::string function,
                             Json parameters, std::optional<Duration> timeout) const {
    detail::JsonCall calling =
        call_for(exchange.caller(), ApiName(module, function), std::move(parameters), timeout);
    const ConnectionWatch watch(exchange, calling);
    ApiResult<Json> result = co_await calling;
    co_return std::move(result).value();
}

// The steady path: the body is here, and has all parameters.
Task<> CallHandler::handle(Exchange& exchange, std::string module, std::string function,
                           Parameters from_path, const Fixed& fixed) const {
    const Request& request = exchange.request();
    if (!request.is_safe() && from_path.empty() && request.query.empty() && fixed.empty()) {
        if (std::optional<std::string> body = take_json_text(exchange)) {
            return call_with(exchange, ApiName(module, function), *std::move(body));
        }
    }
    return read_and_call(exchange, std::move(module), std::move(function), std::move(from_path),
                         fixed);
}

// Calls with the parameters as the client has written them.
Task<> CallHandler::call_with(Exchange& exchange, ApiName name, std::string parameters) const {
    detail::JsonCall calling =
        call_for(exchange.caller(), std::move(name), JsonText{std::move(parameters)}, timeout_);
    ConnectionWatch watch(exchange, calling);
    const ApiResult<Json> result = co_await calling;
    watch.end();  // before anything is written
    std::string text = json_line(result.value());
    if (!respond_json_now(exchange, text)) {
        co_await respond_json_text(exchange, std::move(text));
    }
}

Task<> CallHandler::read_and_call(Exchange& exchange, std::string module, std::string function,
                                  Parameters from_path, const Fixed& fixed) const {
    const Request& request = exchange.request();
    std::string body;
    if (!request.is_safe()) {
        body = co_await read_json_text(exchange);
    }
    const ApiFunction* const found = find(module, function);
    if (request.is_safe() && found != nullptr && !found->reads) {
        throw HttpError(405, "wrong_method",
                        module + "." + function + " may change something: use POST")
            .with("Allow", "POST, OPTIONS");
    }
    if (from_path.empty() && request.query.empty() && fixed.empty()) {
        ApiName name(module, function);
        co_await call_with(exchange, std::move(name), std::move(body));
        co_return;
    }
    Json parameters = parse_json(body);
    const config::Description* description = found != nullptr ? found->parameters : nullptr;
    if (parameters.is_null() || parameters.is_object()) {
        for (const auto& [name, text] : from_path) {
            add_parameter(parameters, description, name, text);
        }
        for (const auto& [name, text] : query_parameters(request.query)) {
            add_parameter(parameters, description, name, text);
        }
        for (const auto& [name, value] : fixed) {
            if (parameters.contains(name)) {
                throw HttpError(400, ApiError::bad_parameter,
                                "the parameter '" + name + "' is not the client's to choose");
            }
            parameters[name] = json_of(value);
        }
    }
    Task<Json> calling =
        call(exchange, std::move(module), std::move(function), std::move(parameters), timeout_);
    const Json result = co_await calling;
    co_await respond_json(exchange, result);
}

}  // namespace weir::http
