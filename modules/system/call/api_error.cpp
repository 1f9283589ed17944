#include "modules/system/call/api_error.h"

#include <cassert>
#include <exception>

#include "core/run/routine.h"

namespace weir {

std::string to_text(const ApiError& error) {
    return error.code + ": " + error.message;
}

ApiException::ApiException(ApiError error)
    : std::runtime_error(to_text(error)), error_(std::move(error)) {}

// Here, so that its type belongs to this library and not to a plugin that may go.
ApiException::~ApiException() = default;

ApiError current_api_error() {
    assert(std::current_exception() != nullptr);
    try {
        throw;
    } catch (const ApiException& exception) {
        return exception.error();
    } catch (const QuitException& exception) {
        return {std::string(ApiError::rejected), exception.what()};
    } catch (const std::exception& exception) {
        return {std::string(ApiError::failed), exception.what()};
    } catch (...) {
        return {std::string(ApiError::failed), "an exception of an unknown type"};
    }
}

}  // namespace weir
