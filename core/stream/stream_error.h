#pragma once

#include <uv.h>

#include "core/run/system_error.h"

namespace weir {

// Thrown when an operation on a stream fails: "reading from tcp://10.0.0.7:443: connection reset by
// peer (ECONNRESET)".
class StreamError : public SystemError {
public:
    using SystemError::SystemError;
};

}  // namespace weir
