#include "modules/limit/limit_host.h"

#include "modules/system/module/module.h"
#include "modules/system/server/loader.h"
#include "modules/system/server/server.h"

namespace weir::limit {

LimitHost::~LimitHost() = default;

Ref<Limit> LimitHost::find(const Module& module, const std::string& name) {
    const auto* const host = dynamic_cast<LimitHost*>(module.server().loader().find("limit"));
    return host != nullptr ? host->find_limit(name) : Ref<Limit>();
}

}  // namespace weir::limit
