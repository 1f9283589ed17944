#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "modules/http/response.h"
#include "modules/system/call/api_error.h"

namespace weir::http {

// A request that is answered with an error: a handler throws it before it has begun to respond.
// The client gets `problem+json` (RFC 9457) with the code that every other route of weir has, too.
class HttpError : public std::runtime_error {
public:
    HttpError(int status, std::string_view code, const std::string& message);
    // An error of a call or of an event, with the status that fits its code; 409 for a code that
    // only the function knows.
    explicit HttpError(const ApiError& error);
    ~HttpError() override;

    int status() const noexcept { return status_; }
    const std::string& code() const noexcept { return code_; }

    // Adds a header to the response: Allow, Retry-After.
    HttpError&& with(std::string name, std::string value) &&;

    Response response() const;

private:
    int status_;
    std::string code_;
    Headers headers_;
};

}  // namespace weir::http
