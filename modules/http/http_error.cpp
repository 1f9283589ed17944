#include "modules/http/http_error.h"

#include <utility>

#include "config/document/value.h"
#include "modules/system/event/event_error.h"
#include "modules/system/rights/access.h"

namespace weir::http {

namespace {

int status_of(std::string_view code) noexcept {
    constexpr std::pair<std::string_view, int> statuses[] = {
        {ApiError::bad_parameter, 400},   {EventError::bad_event, 400},
        {Access::wrong_login, 401},       {ApiError::denied, 403},
        {ApiError::unknown_module, 404},  {ApiError::unknown_function, 404},
        {EventError::unknown_event, 404}, {Access::too_many_logins, 429},
        {"too_many_sessions", 429},       {ApiError::bad_result, 500},
        {ApiError::failed, 500},          {ApiError::rejected, 503},
        {ApiError::timeout, 504},
    };
    for (const auto& [known, status] : statuses) {
        if (known == code) {
            return status;
        }
    }
    return 409;
}

}  // namespace

HttpError::HttpError(int status, std::string_view code, const std::string& message)
    : std::runtime_error(message), status_(status), code_(code) {}

HttpError::HttpError(const ApiError& error)
    : HttpError(status_of(error.code), error.code, error.message) {}

HttpError::~HttpError() = default;

HttpError&& HttpError::with(std::string name, std::string value) && {
    headers_.set(std::move(name), std::move(value));
    return std::move(*this);
}

Response HttpError::response() const {
    config::Value problem = config::Value::object();
    problem.add("type", "about:blank");
    problem.add("title", reason_phrase(status_));
    problem.add("status", status_);
    problem.add("code", code_);
    problem.add("detail", what());
    Response response{status_, headers_, config::to_json(problem) + "\n"};
    response.headers.set("Content-Type", "application/problem+json");
    return response;
}

}  // namespace weir::http
