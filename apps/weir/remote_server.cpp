#include "apps/weir/remote_server.h"

#include <cstdlib>
#include <stdexcept>

namespace weir::app {

RemoteServer::RemoteServer(const std::string& address,
                           std::optional<std::chrono::milliseconds> patience)
    : client_(address, patience) {
    if (const char* password = std::getenv("WEIR_PASSWORD")) {
        const Reply reply = client_.command({"AUTH", password});
        if (reply.kind() == Reply::Kind::error) {
            throw ConnectionError("AUTH: " + std::string(reply.text()));
        }
    }
}

std::string RemoteServer::call(const std::string& module, const std::string& function,
                               const std::string& parameters) {
    const Reply reply = client_.command({"CALL", module, function, parameters});
    std::string text(reply.kind() == Reply::Kind::nothing ? "null" : reply.text());
    if (reply.kind() == Reply::Kind::error) {
        throw std::runtime_error(text);
    }
    return text;
}

}  // namespace weir::app
