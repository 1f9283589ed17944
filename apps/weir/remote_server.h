#pragma once

#include <string>
#include <vector>

#include "apps/weir/credentials.h"
#include "apps/weir/resp_client.h"

namespace weir::app {

// Which server a command talks to.
struct RemoteAddress {
    std::string address;                         // as RespClient takes it
    double timeout = RespClient::default_limit;  // seconds for connecting, and for each answer
    Credentials credentials = {};
    TlsFiles tls = {};
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
    // Sends a command and returns the answer. Throws std::runtime_error with the server's reason if
    // that is an error, and ConnectionError.
    Reply command(const std::vector<std::string>& arguments);
    // The same for a command whose answer may take any time.
    Reply long_command(const std::vector<std::string>& arguments);
    // Waits for the next message that the server sends by itself. Throws ConnectionError.
    Reply next_message() { return client_.next_message(); }

private:
    RespClient client_;
};

}  // namespace weir::app
