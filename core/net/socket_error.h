#pragma once

#include "core/stream/stream_error.h"

namespace weir {

// Thrown when an operation on a socket fails: "listening on tcp://127.0.0.1:80: permission denied
// (EACCES)".
class SocketError : public StreamError {
public:
    using StreamError::StreamError;
    explicit SocketError(const StreamError& error) : StreamError(error) {}
};

}  // namespace weir
