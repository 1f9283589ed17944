#pragma once

#include <memory>
#include <vector>

#include "modules/http/router.h"

namespace weir {

class Module;

}  // namespace weir

namespace weir::http {

// The page on which a person sees and manages the server in a browser, at /ui/. It is some files of
// HTML, CSS and JavaScript that are a part of the program, and the same for every client. What they
// show they ask of the gateway's paths, by the rights of whoever has logged in, so the page itself
// knows nothing that is secret.
//
//     /ui/                 the page; asked for anew each time
//     /ui/DIGEST/app.js    one of its files; what is at such an address never changes
//     /ui/client           who the client is, and which functions it may call
//
// A Content-Security-Policy keeps the page from running or loading anything that is not one of its
// files, and from being shown in a frame.
class Page {
public:
    // The module must outlive the page.
    explicit Page(const Module& module) noexcept : module_(module) {}

    // Adds the paths; with `at_root`, also / leads to the page. The routes live as long as the
    // page.
    void add_routes(Router& router, bool at_root);

private:
    Task<> client(Exchange& exchange) const;

    const Module& module_;
    std::vector<std::unique_ptr<Route>> routes_;
};

}  // namespace weir::http
