#pragma once

#include "core/run/task.h"
#include "modules/http/plugin/call_handler.h"
#include "modules/http/web_socket.h"

namespace weir::http {

// Serves a WebSocket whose messages are calls of functions, by the rights of the client: objects
// with `id`, `call` and `parameters`. Each is answered by a message with its `id`, which is any
// JSON, and either `result` or `error` with `code` and `message`, in the order in which the calls
// end. When the socket closes, the calls under way are unwound. `calls` must outlive the task.
Task<> serve_calls(WebSocket& socket, const CallHandler& calls);

}  // namespace weir::http
