#include "modules/http/plugin/json_body.h"

#include <utility>

#include "modules/http/http_error.h"
#include "modules/system/call/json.h"

namespace weir::http {

namespace {

bool is_json(std::string_view type) noexcept {
    type = type.substr(0, type.find(';'));
    while (type.ends_with(' ')) {
        type.remove_suffix(1);
    }
    return same_name(type, "application/json");
}

}  // namespace

Task<std::string> read_json_text(Exchange& exchange) {
    const auto type = exchange.request().header("Content-Type");
    if (type ? !is_json(*type) : exchange.request().has_body()) {
        throw HttpError(415, "not_json",
                        "the request needs the header Content-Type: application/json");
    }
    co_return co_await exchange.read_all();
}

Task<> respond_json_text(Exchange& exchange, std::string text, int status) {
    Response response{.status = status, .body = std::move(text)};
    response.body += '\n';
    response.headers.set("Content-Type", "application/json");
    response.headers.set("Cache-Control", "no-store");
    return exchange.respond(std::move(response));
}

Task<> respond_json(Exchange& exchange, const Json& json, int status) {
    return respond_json_text(exchange, json.dump(-1, ' ', false, Json::error_handler_t::replace),
                             status);
}

}  // namespace weir::http
