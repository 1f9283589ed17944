#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace weir::redis {

// Thrown when a command has no result. Each kind says whether the command may have been executed.
// what() names the command, and the server if the command has reached one:
//
//     INCR on tcp://127.0.0.1:6379: WRONGTYPE Operation against a key holding the wrong kind of
//     value
class Error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// The server has answered with an error. Most such commands have done nothing; a script may have
// done a part of its work.
class ServerError : public Error {
public:
    ServerError(const std::string& doing, const std::string& answer)
        : Error(doing + ": " + answer), answer_(answer) {}

    // The server's text: "WRONGTYPE Operation against ...".
    const std::string& answer() const noexcept { return answer_; }
    // Its first word, which programs know: "WRONGTYPE".
    std::string_view code() const noexcept {
        return std::string_view(answer_).substr(0, answer_.find(' '));
    }

private:
    std::string answer_;
};

// The command was sent, and the connection was lost, or the deadline was reached, before an answer:
// it may have been executed, or may yet be. Only looking tells.
class InDoubtError : public Error {
public:
    using Error::Error;
};

// The server could not be reached before the deadline. The command was not executed, and will not
// be; one that is safe to repeat may have been.
class UnavailableError : public Error {
public:
    using Error::Error;
};

// As many commands as are allowed wait already (ClientOptions::max_pending): this one was not sent.
class LimitError : public Error {
public:
    using Error::Error;
};

// The Client is destroyed: the command was not sent.
class ClosedError : public Error {
public:
    using Error::Error;
};

}  // namespace weir::redis
