#include "modules/http/router.h"

#include <memory>
#include <stdexcept>
#include <string>

#include "modules/http/http_error.h"
#include "modules/http/test_world.h"

namespace weir::http {

namespace {

// A handler that names itself and the parameters.
Handler named(std::string name) {
    return [name = std::move(name)](Exchange& exchange) {
        Response response{.body = name};
        for (const auto& [parameter, value] : exchange.parameters()) {
            response.body += " " + parameter + "=" + value;
        }
        return exchange.respond(std::move(response));
    };
}

struct RouterWorld {
    std::string ask(const std::string& method, const std::string& target) {
        HttpWorld world([this](Exchange& exchange) { return router.handle(exchange); });
        return world.send({method + " " + target + " HTTP/1.1\r\nHost: x\r\n\r\n"});
    }
    // The body of an answer.
    std::string get(const std::string& target) {
        const std::string answered = ask("GET", target);
        return answered.substr(answered.find("\r\n\r\n") + 4);
    }

    Router router;
};

}  // namespace

TEST_CASE("the most specific path answers, with the parts that it names") {
    RouterWorld world;
    const auto all = world.router.add("GET", "/files/*", named("files"));
    const auto list = world.router.add("GET", "/orders", named("list"));
    const auto one = world.router.add("GET", "/orders/{customer}", named("one"));
    const auto deep = world.router.add("GET", "/orders/{customer}/{number}", named("deep"));
    const auto open = world.router.add("GET", "/orders/open", named("open"));
    const auto root = world.router.add("GET", "/", named("root"));
    CHECK(world.get("/") == "root");
    CHECK(world.get("/orders") == "list");
    CHECK(world.get("/orders?a=b") == "list");
    CHECK(world.get("/orders/open") == "open");
    CHECK(world.get("/orders/ann%2Fbob%20c") == "one customer=ann/bob c");
    CHECK(world.get("/orders/open/7") == "deep customer=open number=7");
    CHECK(world.get("/files") == "files");
    CHECK(world.get("/files/a/b/") == "files");
    for (const char* missing : {"/order", "/orders/", "/orders/a/b/c", "//orders", "/Orders"}) {
        INFO(missing);
        CHECK(world.ask("GET", missing).starts_with("HTTP/1.1 404 "));
    }
    CHECK(world.ask("GET", "/orders/%zz").starts_with("HTTP/1.1 400 "));
    CHECK(world.ask("GET", "/orders/%ff").starts_with("HTTP/1.1 400 "));
    CHECK(world.ask("GET", "/orders/%00").starts_with("HTTP/1.1 400 "));
}

TEST_CASE("a path without the method says which methods it has") {
    RouterWorld world;
    const auto get = world.router.add("GET", "/a", named("get"));
    const auto put = world.router.add("PUT", "/a", named("put"));
    const std::string refused = world.ask("POST", "/a");
    CHECK(refused.starts_with("HTTP/1.1 405 "));
    CHECK(refused.find("\r\nAllow: OPTIONS, GET, HEAD, PUT\r\n") != std::string::npos);
    CHECK(refused.find("is no method of /a, which has OPTIONS, GET, HEAD, PUT") !=
          std::string::npos);
    CHECK(world.ask("OPTIONS", "/a").find("\r\nAllow: OPTIONS, GET, HEAD, PUT\r\n") !=
          std::string::npos);
    CHECK(world.ask("OPTIONS", "*").starts_with("HTTP/1.1 204 "));
    CHECK(world.ask("HEAD", "/a") == answer("200 OK", "Content-Length: 3\r\n", ""));
}

TEST_CASE("a route that is destroyed is gone, and a second one at its place is refused") {
    RouterWorld world;
    auto route = world.router.add("GET", "/a", named("first"));
    CHECK_THROWS_AS(world.router.add("GET", "/a", named("second")), std::invalid_argument);
    route.reset();
    CHECK(world.ask("GET", "/a").starts_with("HTTP/1.1 404 "));
    route = world.router.add("GET", "/a", named("third"));
    CHECK(world.get("/a") == "third");
}

TEST_CASE("a newer version of a module answers at the paths of the older one") {
    RouterWorld world;
    const int first = 1;
    const int second = 2;
    auto old = world.router.add("GET", "/a", named("old"), "", {"bakery", &first});
    auto now = world.router.add("GET", "/a", named("new"), "", {"bakery", &second});
    CHECK(world.get("/a") == "new");
    CHECK(world.ask("OPTIONS", "/a").find("\r\nAllow: OPTIONS, GET, HEAD\r\n") !=
          std::string::npos);
    SECTION("until it is discarded") {
        now.reset();
        CHECK(world.get("/a") == "old");
    }
    SECTION("when that has gone") {
        old.reset();
        CHECK(world.get("/a") == "new");
    }
    SECTION("but no version has two routes at a path, and no other module one of them") {
        CHECK_THROWS_AS(world.router.add("GET", "/a", named("b"), "", {"bakery", &second}),
                        std::invalid_argument);
        CHECK_THROWS_AS(world.router.add("GET", "/a", named("b"), "", {"shop", &world}),
                        std::invalid_argument);
        CHECK_THROWS_AS(world.router.add("GET", "/a", named("b")), std::invalid_argument);
    }
}

TEST_CASE("a route may outlive its router") {
    auto router = std::make_unique<Router>();
    const auto here = router->add("GET", "/a/{b}", named("here"), "a.example");
    const auto all = router->add("POST", "/a/*", named("all"));
    router.reset();
    CHECK(here->pattern() == "/a/{b}");
    CHECK(all->running() == 0);
}

TEST_CASE("a pattern that means nothing is refused") {
    CHECK(Router::wrong_pattern("/a/{b}/*").empty());
    CHECK(Router::wrong_pattern("/").empty());
    CHECK(Router::wrong_pattern("a") == "does not begin with '/'");
    CHECK(Router::wrong_pattern("/{a}/{a}") == "has two parts {a}");
    CHECK(Router::wrong_pattern("/*/a") == "has a part '*' that is not the last");
    CHECK(Router::wrong_pattern("/a{b}") == "has a part 'a{b}' that is neither text, {name} nor *");
}

}  // namespace weir::http
