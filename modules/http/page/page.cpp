#include "modules/http/page/page.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "config/document/value.h"
#include "modules/http/http_error.h"
#include "modules/http/page/page_files.h"
#include "modules/http/static_files.h"
#include "modules/http/target.h"
#include "modules/system/call/api.h"
#include "modules/system/call/caller.h"
#include "modules/system/module/abi.h"
#include "modules/system/module/module.h"
#include "modules/system/rights/access.h"
#include "modules/system/server/loader.h"
#include "modules/system/server/server.h"

namespace weir::http {

namespace {

constexpr const char* policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

const PageFile* find_file(std::string_view name) {
    const auto found = std::ranges::find(page_files, name, &PageFile::name);
    return found == page_files.end() ? nullptr : &*found;
}

Headers headers_of_page() {
    Headers headers;
    headers.set("Content-Security-Policy", policy);
    headers.set("Referrer-Policy", "no-referrer");
    headers.set("Cross-Origin-Opener-Policy", "same-origin");
    headers.set("Cross-Origin-Resource-Policy", "same-origin");
    return headers;
}

Task<> send(Exchange& exchange, const PageFile& file, const char* caching) {
    const std::string tag = '"' + std::string(page_digest) + '"';
    Response response{.headers = headers_of_page()};
    response.headers.set("ETag", tag);
    response.headers.set("Cache-Control", caching);
    const auto known = exchange.request().header("If-None-Match");
    if (known && known->find(tag) != std::string_view::npos) {
        response.status = 304;
        co_await exchange.respond(std::move(response));
        co_return;
    }
    response.headers.set("Content-Type", std::string(content_type(file.name)));
    response.body = file.text;
    co_await exchange.respond(std::move(response));
}

// Links are relative, so that the page may lie below another path of a proxy.
Task<> lead_to_page(Exchange& exchange) {
    Response response{.status = 307};
    response.headers.set("Location", "ui/");
    return exchange.respond(std::move(response));
}

// Answers requests for the files.
Task<> serve_files(Exchange& exchange) {
    const PathSegments parts(exchange.request().path);
    if (parts.size() == 1) {
        return lead_to_page(exchange);
    }
    if (parts.size() == 2 && parts[1].empty()) {
        return send(exchange, *find_file("index.html"), "no-cache");
    }
    const PageFile* const file =
        parts.size() == 3 && parts[1] == page_digest ? find_file(parts[2]) : nullptr;
    if (file == nullptr) {
        throw HttpError(404, "not_found", "the page has no such file");
    }
    return send(exchange, *file, "public, max-age=31536000, immutable");
}

config::Value callable_functions(const Caller& caller, const Module& module) {
    config::Value names = config::Value::list();
    const Api& api = module.type().api;
    for (const std::string& name : api.names()) {
        if (caller.may({module.name(), name, api.find(IndexValue(name))->reads})) {
            names.add(name);
        }
    }
    return names;
}

}  // namespace

void Page::add_routes(Router& router, bool at_root) {
    if (at_root) {
        routes_.push_back(router.add("GET", "/", lead_to_page));
    }
    routes_.push_back(router.add("GET", "/ui/*", serve_files));
    routes_.push_back(
        router.add("GET", "/ui/client", [this](Exchange& exchange) { return client(exchange); }));
}

Task<> Page::client(Exchange& exchange) const {
    const Caller& caller = *exchange.caller();
    const Loader& loader = module_.server().loader();
    config::Value functions = config::Value::object();
    for (const ModuleInfo& info : loader.modules()) {
        if (const Module* const module = loader.find(info.name)) {
            functions.add(info.name, callable_functions(caller, *module));
        }
    }
    config::Value result = config::Value::object();
    result.add("user", caller.user());
    result.add("can_log_in", module_.access().has_users());
    result.add("version", std::string(own_abi.weir));
    result.add("page", std::string(page_digest));
    result.add("module", module_.name());
    result.add("watch_events", caller.may({"server", "watch_events", true}));
    result.add("functions", std::move(functions));
    Response response{.body = config::to_json(result)};
    response.headers.set("Content-Type", "application/json");
    response.headers.set("Cache-Control", "no-store");
    return exchange.respond(std::move(response));
}

}  // namespace weir::http
