#include "modules/zookeeper/session_host.h"

#include <stdexcept>

#include "modules/system/module/module.h"
#include "modules/system/server/loader.h"
#include "modules/system/server/server.h"

namespace weir::zookeeper {

SessionHost::~SessionHost() = default;

SessionHost& SessionHost::of(const Module& module) {
    auto* const host = dynamic_cast<SessionHost*>(module.server().loader().find("zookeeper"));
    if (host == nullptr) {
        throw std::runtime_error("the module zookeeper is not loaded: depend on it");
    }
    return *host;
}

}  // namespace weir::zookeeper
