#include "apps/weir/credentials.h"

#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include "config/text/quoted.h"

namespace weir::app {

namespace {

std::optional<std::string> password_of(const Credentials& credentials) {
    if (credentials.password_file.empty()) {
        const char* password = std::getenv("WEIR_PASSWORD");
        return password == nullptr ? std::nullopt : std::optional<std::string>(password);
    }
    std::ifstream file(credentials.password_file);
    std::string password;
    if (!std::getline(file, password)) {
        throw std::runtime_error("no password can be read from the file " +
                                 config::printable(credentials.password_file, 200));
    }
    if (password.ends_with('\r')) {
        password.pop_back();
    }
    return password;
}

}  // namespace

std::optional<std::vector<std::string>> login_request(const Credentials& credentials) {
    const std::optional<std::string> password = password_of(credentials);
    if (!password && !credentials.user.empty()) {
        throw std::runtime_error("the user '" + config::printable(credentials.user) +
                                 "' has no password: set WEIR_PASSWORD, or give --password-file");
    }
    if (!password) {
        return {};
    }
    if (credentials.user.empty()) {
        return {{"AUTH", *password}};
    }
    return {{"AUTH", credentials.user, *password}};
}

}  // namespace weir::app
