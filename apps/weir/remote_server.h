#pragma once

#include <string>

#include "apps/weir/resp_client.h"

namespace weir::app {

// Which server a command talks to.
struct RemoteAddress {
    std::string address;                         // as RespClient takes it
    double timeout = RespClient::default_limit;  // seconds for connecting, and for each answer
};

// A running server that has the module `resp`, for calls of its modules' functions.
class RemoteServer {
public:
    // Connects, with the password in WEIR_PASSWORD if there is one. Throws as RespClient, and
    // ConnectionError if the password is wrong.
    explicit RemoteServer(const RemoteAddress& address);

    // Calls a function and waits for its result; both are JSON. Throws std::runtime_error with the
    // reason of the server if the call failed, and ConnectionError.
    std::string call(const std::string& module, const std::string& function,
                     const std::string& parameters);

private:
    RespClient client_;
};

}  // namespace weir::app
