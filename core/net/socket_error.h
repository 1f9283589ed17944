#pragma once

#include "core/stream/stream_error.h"

namespace weir {

// Thrown when an operation on a socket fails. what() says which operation on which address, and
// why, in words and with the name that manuals use:
//
//     listening on tcp://127.0.0.1:80: permission denied (EACCES)
class SocketError : public StreamError {
public:
    using StreamError::StreamError;
    explicit SocketError(const StreamError& error) : StreamError(error) {}
};

}  // namespace weir
