#pragma once

#include <optional>
#include <string>
#include <vector>

namespace weir::app {

// As whom a command talks to a server.
struct Credentials {
    std::string user;           // empty: the user of the server's own password
    std::string password_file;  // empty: the environment variable WEIR_PASSWORD
};

// Returns the request that logs in: AUTH with what the credentials say; nothing if there is no
// password and no user. Throws std::runtime_error if there is a user without a password, or the
// file cannot be read.
std::optional<std::vector<std::string>> login_request(const Credentials& credentials);

}  // namespace weir::app
