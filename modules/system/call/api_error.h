#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace weir {

/// Why an API call failed, the same on every route: a code for programs, a message for people. A
/// function may have codes of its own; every call may end with the codes listed here.
struct ApiError {
    static constexpr std::string_view rejected = "rejected";  // no function takes the call
    static constexpr std::string_view timeout = "timeout";    // no result in time
    static constexpr std::string_view unknown_module = "unknown_module";
    static constexpr std::string_view unknown_function = "unknown_function";
    static constexpr std::string_view bad_parameter = "bad_parameter";
    static constexpr std::string_view bad_result = "bad_result";  // not of the expected type
    static constexpr std::string_view denied = "denied";          // the caller may not do that
    static constexpr std::string_view failed = "failed";          // an exception without a code

    std::string code;
    std::string message;

    friend bool operator==(const ApiError&, const ApiError&) = default;
};

/// Returns "timeout: no answer within 5s".
std::string to_text(const ApiError& error);

/// An API function throws it to return the error to its caller.
class ApiException : public std::runtime_error {
public:
    explicit ApiException(ApiError error);
    ApiException(std::string_view code, std::string message)
        : ApiException(ApiError{std::string(code), std::move(message)}) {}
    ~ApiException() override;

    const ApiError& error() const noexcept { return error_; }

private:
    ApiError error_;
};

/// Returns the exception that is being handled as the error for a caller. Requires that there is
/// one.
ApiError current_api_error();

}  // namespace weir
