// Feeds any bytes, in any pieces, through all that a request passes: the connection and its parser,
// the gate, the router, and handlers behind it.
//
// `./dev fuzz` builds and runs it. What it finds, build/fuzz/fuzz_http_requests-crash-..., is tried
// again by build/fuzz/bin/fuzz_http_requests FILE.
//
// The first byte of an input says in which pieces the rest arrives.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "modules/http/fuzz_world.h"
#include "modules/http/gate.h"
#include "modules/http/router.h"
#include "modules/http/target.h"
#include "modules/system/rights/access.h"

namespace {

using namespace weir;
using namespace weir::http;

// Answers with all that it can know of a request.
Task<> echo(Exchange& exchange) {
    const Request& request = exchange.request();
    Response response;
    for (const std::string_view part : PathSegments(request.path)) {
        response.body.append(part) += '\n';
    }
    for (const auto& [name, value] : query_parameters(request.query)) {
        response.body += name + '=' + value + '\n';
    }
    const std::string body = co_await exchange.read_all();
    response.body += body;
    co_await exchange.respond(std::move(response));
}

// What stands between a connection and the handlers. The server has no users.
class Stack {
public:
    explicit Stack(Scheduler& scheduler) : access_(scheduler), gate_(access_, settings()) {
        for (const char* pattern : {"/", "/a/{b}", "/a/{b}/c", "/files/*", "/*"}) {
            routes_.push_back(router_.add("GET", pattern, echo));
            routes_.push_back(router_.add("POST", pattern, echo));
        }
        routes_.push_back(router_.add("GET", "/a/{b}", echo, "other.example"));
    }

    Task<> handle(Exchange& exchange) { return gate_.handle(exchange, route_); }

private:
    static GateSettings settings() {
        GateSettings made{.origins = {"https://friend.example"}, .headers = {}};
        made.headers.set("X-Frame-Options", "DENY");
        return made;
    }

    Access access_;
    Gate gate_;
    Router router_;
    const Handler route_ = [this](Exchange& exchange) { return router_.handle(exchange); };
    std::vector<std::unique_ptr<Route>> routes_;
};

// Begins with the first request, whose scheduler it needs, and ends before that does.
Handler stack_of_handlers() {
    return [stack = std::shared_ptr<Stack>()](Exchange& exchange) mutable {
        if (stack == nullptr) {
            stack = std::make_shared<Stack>(exchange.scheduler());
        }
        return stack->handle(exchange);
    };
}

struct Fuzzed : FuzzWorld {
    Fuzzed(std::string_view bytes, std::size_t most_at_once)
        : FuzzWorld(std::string(bytes), most_at_once,
                    {.target = 200, .head = 1000, .headers = 10, .body = 1000},
                    stack_of_handlers()) {}
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    const Fuzzed whole(bytes, bytes.size() + 1);
    require(whole.log.empty());
    require(whole.received.empty() || whole.received.starts_with("HTTP/1.1 "));
    require(Fuzzed(bytes, data[0] % 64 + 1U).received == whole.received);
    return 0;
}
