#include "modules/http/http_host.h"

#include <stdexcept>
#include <utility>

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

std::unique_ptr<Route> HttpHost::add_route(const Module& owner, std::string method,
                                           std::string pattern, Handler handler,
                                           std::string_view host) {
    return of(owner).router().add(std::move(method), std::move(pattern), std::move(handler), host,
                                  {owner.name(), &owner});
}

}  // namespace weir::http
