#include "core/run/system_error.h"

#include <uv.h>

namespace weir {

SystemError::SystemError(std::string_view operation, int code)
    : std::runtime_error(std::string(operation) + ": " + reason(code)), code_(code) {}

std::string SystemError::reason(int code) {
    return std::string(uv_strerror(code)) + " (" + uv_err_name(code) + ')';
}

}  // namespace weir
