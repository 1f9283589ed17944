#pragma once

#include <uv.h>

#include "core/run/system_error.h"

namespace weir {

// Thrown when an operation on a socket fails: "listening on tcp://127.0.0.1:80: permission denied
// (EACCES)".
class SocketError : public SystemError {
public:
    using SystemError::SystemError;
};

}  // namespace weir
