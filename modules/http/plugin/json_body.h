#pragma once

#include <optional>
#include <string>

#include "core/run/task.h"
#include "modules/http/exchange.h"
#include "modules/system/call/json_fwd.h"

namespace weir::http {

// Reads the body as text in JSON; "" if there is none. Throws HttpError: 415 if the client does not
// say that it is JSON, which a form of another site's page cannot say. A request that has neither a
// body nor a type need not: each form has a type, and the Gate refuses pages of other sites.
Task<std::string> read_json_text(Exchange& exchange);
// The same if the whole body is here already; nothing otherwise.
std::optional<std::string> take_json_text(Exchange& exchange);

// Returns the line that a response has.
std::string json_line(const Json& json);
// Responds with such a line if that needs no wait; returns false, having done nothing, otherwise.
bool respond_json_now(Exchange& exchange, const std::string& text);
// Responds with JSON.
Task<> respond_json(Exchange& exchange, const Json& json, int status = 200);
// The same with text that is JSON already.
Task<> respond_json_text(Exchange& exchange, std::string text, int status = 200);

}  // namespace weir::http
