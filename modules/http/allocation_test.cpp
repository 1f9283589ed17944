// Each allocation fails that a connection makes while it serves a request.

#include <string>
#include <utility>

#include "modules/http/test_world.h"
#include "modules/testing/allocations.h"

namespace weir::http {

namespace {

Task<> echo_body(Exchange& exchange) {
    Response response;
    response.headers.set("Content-Type", "text/plain; charset=utf-8");
    response.body = co_await exchange.read_all();
    co_await exchange.respond(std::move(response));
}

Task<> serve_with_failure(HttpWorld& world, AllocationFailure& failure) {
    failure.arm();
    Task<> serving = world.serve();
    try {
        co_await serving;
    } catch (const std::bad_alloc&) {
    }
    failure.disarm();
    world.server_side.reset();
}

}  // namespace

TEST_CASE("a connection without memory ends or answers, and leaves nothing behind") {
    const std::string request =
        "POST /a?b=c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        "28\r\n0123456789012345678901234567890123456789\r\n0\r\n\r\n";
    fail_each_allocation([&request](AllocationFailure& failure) {
        HttpWorld world(echo_body);
        std::string answered;
        world.container.start(serve_with_failure(world, failure), {.name = "serve"});
        world.container.start(world.write_all({request}, {}), {.name = "write"});
        world.container.start(world.read_all(answered), {.name = "read"});
        run_without_memory(world.scheduler);
        const AllocationPause pause;
        INFO(failure.where());
        // A whole answer, or none.
        CHECK((answered.empty() || answered.ends_with("0123456789012345678901234567890123456789") ||
               answered.find("HTTP/1.1 500 ") == 0));
        CHECK((failure.happened() || !answered.empty()));
        CHECK(world.scheduler.subscribers().empty());
    });
}

}  // namespace weir::http
