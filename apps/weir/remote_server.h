#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "apps/weir/resp_client.h"

namespace weir::app {

// A running server that has the module `resp`, for calls of its modules' functions.
class RemoteServer {
public:
    // Connects, with the password in WEIR_PASSWORD if there is one. Throws as RespClient, and
    // ConnectionError if the password is wrong.
    // With `patience`, a server that takes longer to connect, or to answer, is lost.
    explicit RemoteServer(const std::string& address,
                          std::optional<std::chrono::milliseconds> patience = {});

    // Calls a function and waits for its result; both are JSON. Throws std::runtime_error with the
    // server's words if that is an error, and ConnectionError.
    std::string call(const std::string& module, const std::string& function,
                     const std::string& parameters);

private:
    RespClient client_;
};

}  // namespace weir::app
