#include "modules/http/plugin/json_body.h"

#include <utility>

#include "modules/http/http_error.h"
#include "modules/system/call/json_writer.h"

namespace weir::http {

namespace {

bool is_json(std::string_view type) noexcept {
    type = type.substr(0, type.find(';'));
    while (type.ends_with(' ')) {
        type.remove_suffix(1);
    }
    return same_name(type, "application/json");
}

void require_json(const Request& request) {
    const auto type = request.header("Content-Type");
    if (type ? !is_json(*type) : request.has_body()) {
        throw HttpError(415, "not_json",
                        "the request needs the header Content-Type: application/json");
    }
    if (request.header("Content-Encoding")) {
        throw HttpError(415, "encoded", "a body in JSON must have no Content-Encoding");
    }
}

// The headers of all responses in JSON.
const HeaderLines& json_headers() {
    static const HeaderLines lines = [] {
        Headers made;
        made.set("Content-Type", "application/json");
        made.set("Cache-Control", "no-store");
        return HeaderLines(std::move(made));
    }();
    return lines;
}

}  // namespace

std::optional<std::string> take_json_text(Exchange& exchange) {
    require_json(exchange.request());
    return exchange.take_all();
}

Task<std::string> read_json_text(Exchange& exchange) {
    require_json(exchange.request());
    return exchange.read_all();
}

std::string json_line(const Json& json) {
    return json_text(json) + '\n';
}

bool respond_json_now(Exchange& exchange, const std::string& text) {
    return exchange.respond_now(200, json_headers(), text);
}

Task<> respond_json_text(Exchange& exchange, std::string text, int status) {
    Response response{
        .status = status, .headers = json_headers().headers(), .body = std::move(text)};
    if (!response.body.ends_with('\n')) {
        response.body += '\n';
    }
    return exchange.respond(std::move(response));
}

Task<> respond_json(Exchange& exchange, const Json& json, int status) {
    return respond_json_text(exchange, json_line(json), status);
}

}  // namespace weir::http
