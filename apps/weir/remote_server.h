#pragma once

#include <string>

#include "apps/weir/credentials.h"
#include "apps/weir/resp_client.h"

namespace weir::app {

// Which server a command talks to.
struct RemoteAddress {
    std::string address;                         // as RespClient takes it
    double timeout = RespClient::default_limit;  // seconds for connecting, and for each answer
    Credentials credentials = {};
};

// A running server that has the module `resp`, for calls of its modules' functions.
class RemoteServer {
public:
    // Connects and logs in. Throws as RespClient and login_request(), and ConnectionError if the
    // server refuses the login.
    explicit RemoteServer(const RemoteAddress& address);

    // Calls a function and waits for its result; both are JSON. Throws std::runtime_error with the
    // reason of the server if the call failed, and ConnectionError.
    std::string call(const std::string& module, const std::string& function,
                     const std::string& parameters);

private:
    RespClient client_;
};

}  // namespace weir::app
