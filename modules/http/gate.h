#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "modules/http/exchange.h"
#include "modules/http/http_error.h"
#include "modules/http/response.h"

namespace weir {

class Access;

}  // namespace weir

namespace weir::http {

struct GateSettings {
    std::vector<std::string> origins;  // whose pages may read responses and send requests; "*": all
    Headers headers;                   // of each response
};

// What every request passes before a handler sees it:
//
// - The name by which the client calls the server is one of this server's. A page of another site,
//   whose name somebody lets point to this machine (DNS rebinding), gets 421.
// - A request that changes something does not come from a page of another site (CSRF): 403.
// Browsers
//   say by Origin, or else by Sec-Fetch-Site, whence a request comes.
// - A client that logs in is who it says: Basic, or Bearer USER.PASSWORD for machines, by the users
//   of the server. Otherwise 401, after the wait that all logins share.
//
// All functions throw HttpError.
class Gate {
public:
    // `access` must outlive the gate.
    Gate(Access& access, GateSettings settings);

    // Checks the request, and has it handled. A client that has not logged in, and lacks a right
    // for what it asks, gets 401 instead of 403 if the server has users.
    Task<> handle(Exchange& exchange, const Handler& next) const;

    // Returns whether it is an IP address, with a port or without, or one of the names.
    static bool knows_host(std::string_view host, const std::vector<std::string>& names);

private:
    bool is_for_other_page(Exchange& exchange) const;
    bool is_own_origin(const Exchange& exchange, std::string_view origin) const;
    bool allows_origin(std::string_view origin) const;
    static Task<> allow_other_page(Exchange& exchange);
    Task<> log_in_and_handle(Exchange& exchange, std::string_view authorization,
                             const Handler& next) const;
    Task<> log_in(Exchange& exchange, std::string_view authorization) const;

    Access& access_;
    const GateSettings settings_;
    const HeaderLines headers_;  // those of the settings
};

}  // namespace weir::http
