#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace weir {

// What went wrong in an API call, the same on every route: a code for programs, a message for
// people. A function may have codes of its own; these are the ones that every call may end with.
struct ApiError {
    static constexpr std::string_view rejected = "rejected";  // nobody takes the call
    static constexpr std::string_view timeout = "timeout";    // the time for it is over
    static constexpr std::string_view unknown_module = "unknown_module";
    static constexpr std::string_view unknown_function = "unknown_function";
    static constexpr std::string_view bad_parameter = "bad_parameter";
    static constexpr std::string_view bad_result = "bad_result";  // not of the type expected
    static constexpr std::string_view failed = "failed";          // an exception without a code

    std::string code;
    std::string message;

    friend bool operator==(const ApiError&, const ApiError&) = default;
};

// "timeout: no answer within 5s"
std::string to_text(const ApiError& error);

// Thrown by an API function, becomes the error that its caller gets.
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

// What the exception that is being handled says to a caller. Requires that there is one.
ApiError current_api_error();

}  // namespace weir
