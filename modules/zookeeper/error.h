#pragma once

#include <stdexcept>
#include <string>

#include "modules/zookeeper/code.h"

namespace weir::zookeeper {

// Thrown when a request has no result. Each kind says whether the request may have been done.
// what() names the operation, the path, and the server if the request has reached one:
//
//     creating '/a/b' on tcp://zk1:2181: no such node (-101)
class Error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// The server has refused the request: it was not done.
class RefusedError : public Error {
public:
    RefusedError(const std::string& what, Code code)
        : Error(what + ": " + text_of(code)), code_(code) {}

    Code code() const noexcept { return code_; }

private:
    Code code_;
};

// The request was sent, and the connection was lost, or the deadline was reached, before an answer:
// it may have been done, or may yet be done. Only looking tells.
class InDoubtError : public Error {
public:
    using Error::Error;
};

// No server could be reached before the deadline. The request was not sent, and is not done later.
class UnavailableError : public Error {
public:
    using Error::Error;
};

// The session that the request was made in has ended, with its ephemeral nodes and its watches: the
// request was not done in it.
class SessionExpiredError : public Error {
public:
    using Error::Error;
};

// The Session is closed, or the servers refuse its credentials: the request was not sent.
class ClosedError : public Error {
public:
    using Error::Error;
};

}  // namespace weir::zookeeper
