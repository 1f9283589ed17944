#pragma once

#include <string>
#include <vector>

#include "core/base/ref.h"
#include "modules/system/call/caller.h"

namespace weir::http {

// Who sends the requests of a connection, as far as the connection itself tells.
struct Client {
    std::string address = {};       // tcp://127.0.0.1:50123, for messages
    std::string login_source = {};  // failed logins delay later ones of it; see login_source()
    bool tls = false;
    // Names by which browsers may call the server here, beside IP addresses; "*": any.
    std::vector<std::string> hosts = {};
    Ref<Caller> anonymous = {};  // who it is without a login
    // The name by which it has called the server before, if that was one of `hosts`: clients use
    // the same one again, and looking it up takes longer than comparing.
    mutable std::string known_host = {};
};

}  // namespace weir::http
