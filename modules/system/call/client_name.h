#pragma once

#include <string>

#include "modules/system/call/caller.h"

namespace weir {

/// Returns by what name a client is counted where each may have its share only: the user, or the
/// address of a client that has not logged in. Returns "" for the program itself.
inline std::string client_name(const Caller& caller) {
    if (!caller.user().empty()) {
        return "user '" + caller.user() + "'";
    }
    return caller.source().empty() ? "" : "the address '" + caller.source() + "'";
}

}  // namespace weir
