#pragma once

#include <stdexcept>

namespace weir::app {

// The server cannot be reached, does not answer, or the connection to it is lost.
class ConnectionError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// The server, or the system for it, has closed the connection.
class ConnectionClosed : public ConnectionError {
public:
    using ConnectionError::ConnectionError;
};

}  // namespace weir::app
