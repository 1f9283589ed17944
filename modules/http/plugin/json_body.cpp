#include "modules/http/plugin/json_body.h"

#include <utility>

#include "modules/http/http_error.h"
#include "modules/system/call/json.h"

namespace weir::http {

namespace {

constexpr std::size_t deepest = 64;

// Returns how deep lists and objects are nested. Looks at nothing else.
std::size_t depth_of(const std::string& text) noexcept {
    std::size_t depth = 0;
    std::size_t most = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char character = text[i];
        if (in_string) {
            i += character == '\\' ? 1 : 0;
            in_string = character != '"';
        } else if (character == '"') {
            in_string = true;
        } else if (character == '[' || character == '{') {
            most = std::max(most, ++depth);
        } else if ((character == ']' || character == '}') && depth != 0) {
            --depth;
        }
    }
    return most;
}

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

Json parse_json(const std::string& text) {
    if (text.empty()) {
        return nullptr;
    }
    if (depth_of(text) > deepest) {
        throw HttpError(
            400, ApiError::bad_parameter,
            "more than " + std::to_string(deepest) + " lists and objects within each other");
    }
    try {
        return Json::parse(text);
    } catch (const Json::exception& error) {
        // [json.exception.parse_error.101] parse error at line 1, column 2: ...
        const std::string_view what = error.what();
        const std::size_t begin = what.find("] ");
        throw HttpError(
            400, ApiError::bad_parameter,
            "the body is no JSON: " +
                std::string(what.substr(begin == std::string_view::npos ? 0 : begin + 2)));
    }
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
