#pragma once

#include <cstdint>
#include <string>

namespace weir::zookeeper {

// What a server answers to a request: 0, or why it has not done it. The numbers are the protocol's.
enum class Code : std::int32_t {
    ok = 0,
    system_error = -1,
    connection_loss = -4,
    unimplemented = -6,
    bad_arguments = -8,
    rolled_back = -2,  // in a transaction: another of its operations failed
    no_node = -101,
    no_auth = -102,
    bad_version = -103,
    no_children_for_ephemerals = -108,
    node_exists = -110,
    not_empty = -111,
    session_expired = -112,
    invalid_acl = -114,
    auth_failed = -115,
    session_moved = -118,
    not_read_only = -119,
    login_required = -124,
    throttled = -127,
};

// Returns what the code means, and its number: "no such node (-101)".
std::string text_of(Code code);

}  // namespace weir::zookeeper
