#include "apps/weir/remote_server.h"

#include <stdexcept>

namespace weir::app {

RemoteServer::RemoteServer(const RemoteAddress& address)
    : client_(address.address, address.timeout, address.tls) {
    if (const auto request = login_request(address.credentials)) {
        const Reply reply = client_.command(*request);
        if (reply.kind() == Reply::Kind::error) {
            throw ConnectionError("AUTH: " + reply.error());
        }
    }
}

namespace {

Reply require_success(Reply reply) {
    if (reply.kind() == Reply::Kind::error) {
        throw std::runtime_error(reply.error());
    }
    return reply;
}

}  // namespace

Reply RemoteServer::command(const std::vector<std::string>& arguments) {
    return require_success(client_.command(arguments));
}

Reply RemoteServer::long_command(const std::vector<std::string>& arguments) {
    return require_success(client_.long_command(arguments, std::nullopt));
}

std::string RemoteServer::call(const std::string& module, const std::string& function,
                               const std::string& parameters) {
    const Reply reply = client_.command({"CALL", module, function, parameters});
    switch (reply.kind()) {
        case Reply::Kind::nothing:
            return "null";
        case Reply::Kind::text:
            return std::string(reply.text());
        case Reply::Kind::integer:
            return std::to_string(reply.integer());
        case Reply::Kind::error:
            throw std::runtime_error(reply.error());
        case Reply::Kind::list:
            break;
    }
    throw std::runtime_error("the server answers CALL with a list, which is no JSON");
}

}  // namespace weir::app
