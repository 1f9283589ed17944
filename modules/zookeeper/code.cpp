#include "modules/zookeeper/code.h"

namespace weir::zookeeper {
namespace {

const char* meaning_of(Code code) noexcept {
    switch (code) {
        case Code::ok:
            return "done";
        case Code::system_error:
            return "an error in the server";
        case Code::rolled_back:
            return "another operation of the transaction failed";
        case Code::connection_loss:
            return "the server has lost its connection to the others";
        case Code::unimplemented:
            return "the server does not know this operation";
        case Code::bad_arguments:
            return "wrong arguments";
        case Code::no_node:
            return "no such node";
        case Code::no_auth:
            return "not allowed";
        case Code::bad_version:
            return "the node has another version";
        case Code::no_children_for_ephemerals:
            return "an ephemeral node has no children";
        case Code::node_exists:
            return "the node exists already";
        case Code::not_empty:
            return "the node has children";
        case Code::session_expired:
            return "the session has expired";
        case Code::invalid_acl:
            return "wrong access list";
        case Code::auth_failed:
            return "the server refuses the credentials";
        case Code::session_moved:
            return "the session has moved to another server";
        case Code::not_read_only:
            return "the server only reads at present";
        case Code::login_required:
            return "a login by SASL is required, and has not succeeded";
        case Code::throttled:
            return "the server is overloaded";
    }
    return "unknown error";
}

}  // namespace

std::string text_of(Code code) {
    return meaning_of(code) + (" (" + std::to_string(static_cast<std::int32_t>(code)) + ')');
}

}  // namespace weir::zookeeper
