// Feeds any bytes, in any pieces, to a connection of HTTP, with a handler behind it.
//
// `./dev fuzz` builds and runs it. What it finds, build/fuzz/fuzz_http_requests-crash-..., is tried
// again by build/fuzz/bin/fuzz_http_requests FILE.
//
// The first byte of an input says in which pieces the rest arrives.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "modules/http/fuzz_world.h"
#include "modules/http/target.h"

namespace {

using namespace weir;
using namespace weir::http;

// Answers with all that it can know of a request.
Task<> echo(Exchange& exchange) {
    const Request& request = exchange.request();
    Response response;
    for (const std::string& part : path_segments(request.path)) {
        response.body += part + '\n';
    }
    for (const auto& [name, value] : query_parameters(request.query)) {
        response.body += name + '=' + value + '\n';
    }
    const std::string body = co_await exchange.read_all();
    response.body += body;
    co_await exchange.respond(std::move(response));
}

struct Fuzzed : FuzzWorld {
    Fuzzed(std::string_view bytes, std::size_t most_at_once)
        : FuzzWorld(std::string(bytes), most_at_once,
                    {.target = 200, .head = 1000, .headers = 10, .body = 1000}, echo) {}
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
