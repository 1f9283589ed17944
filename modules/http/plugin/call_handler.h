#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "config/document/value.h"
#include "core/base/clock.h"
#include "core/run/task.h"
#include "modules/http/exchange.h"
#include "modules/system/call/api_function.h"
#include "modules/system/call/api_name.h"
#include "modules/system/call/json_fwd.h"

namespace weir {

class Loader;

}  // namespace weir

namespace weir::http {

// Requests as calls of functions, by the rights of the client. Parameters come from the path, the
// query and the body, an object in JSON; a text in path or query is what the function's description
// says, a number or a text. The response is the result in JSON.
class CallHandler {
public:
    // The loader must outlive the handler.
    explicit CallHandler(const Loader& loader) noexcept : loader_(loader) {}

    void set_timeout(std::optional<Duration> timeout) noexcept { timeout_ = timeout; }

    // Parameters that the configuration gives, and clients cannot.
    using Fixed = std::map<std::string, config::Value>;

    // Answers with the result of the function. `from_path`: parameters that the path has named.
    // `fixed` must outlive the task. Throws HttpError and ApiException; 405 for a function that
    // changes something and is asked by GET.
    Task<> handle(Exchange& exchange, std::string module, std::string function,
                  Parameters from_path, const Fixed& fixed = no_parameters) const;

    // Calls a function for the client of the exchange; unwinds the call if the client goes. Throws
    // ApiException.
    Task<Json> call(Exchange& exchange, std::string module, std::string function, Json parameters,
                    std::optional<Duration> timeout) const;
    std::optional<Duration> timeout() const noexcept { return timeout_; }

    // Returns the function; null if there is none now.
    const ApiFunction* find(const std::string& module, const std::string& function) const;

private:
    Task<> call_with(Exchange& exchange, ApiName name, std::string parameters) const;
    Task<> read_and_call(Exchange& exchange, std::string module, std::string function,
                         Parameters from_path, const Fixed& fixed) const;

    static const Fixed no_parameters;

    const Loader& loader_;
    std::optional<Duration> timeout_ = std::chrono::minutes(2);
};

// Adds a parameter that is given as text. Throws HttpError (400) if it is there already.
// `description`: of all parameters; null: any.
void add_parameter(Json& parameters, const config::Description* description,
                   const std::string& name, const std::string& text);

}  // namespace weir::http
