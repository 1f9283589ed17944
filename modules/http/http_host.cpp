#include "modules/http/http_host.h"

#include <stdexcept>

#include "modules/system/module/module.h"
#include "modules/system/server/loader.h"
#include "modules/system/server/server.h"

namespace weir::http {

HttpHost::~HttpHost() = default;

HttpHost& HttpHost::of(const Module& module) {
    auto* const host = dynamic_cast<HttpHost*>(module.server().loader().find("http"));
    if (host == nullptr) {
        throw std::runtime_error("the module http is not loaded: depend on it");
    }
    return *host;
}

}  // namespace weir::http
