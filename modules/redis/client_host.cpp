#include "modules/redis/client_host.h"

#include <stdexcept>
#include <string>

#include "modules/system/module/module.h"
#include "modules/system/server/loader.h"
#include "modules/system/server/server.h"

namespace weir::redis {

ClientHost::~ClientHost() = default;

ClientHost& ClientHost::of(const Module& module, std::string_view name) {
    const std::string wanted(name);
    auto* const host = dynamic_cast<ClientHost*>(module.server().loader().find(wanted));
    if (host == nullptr) {
        throw std::runtime_error("no module '" + wanted +
                                 "' of the plugin redis is loaded: depend on it");
    }
    return *host;
}

}  // namespace weir::redis
