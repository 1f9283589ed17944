// Feeds any bytes, in any pieces, to a connection of HTTP, with a handler behind it.
//
// `./dev fuzz` builds and runs it. What it finds, build/fuzz/fuzz_http_requests-crash-..., is tried
// again by build/fuzz/bin/fuzz_http_requests FILE.
//
// The first byte of an input says in which pieces the rest arrives.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "core/simulation/simulation.h"
#include "core/stream/memory_stream.h"
#include "modules/http/connection.h"
#include "modules/http/target.h"
#include "tests/support/world_on.h"

namespace {

using namespace weir;
using namespace weir::http;

void require(bool holds) {
    if (!holds) std::abort();
}

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

struct Fuzzed : test::WorldOn<Simulation> {
    Fuzzed(std::string_view bytes, std::size_t most_at_once) : WorldOn({}, 1U) {
        auto [here, there] = memory_pair(scheduler, {}, MemoryFaults{.most_at_once = most_at_once});
        container.start(serve_and_end(*there), {.name = "serve"});
        container.start(send(*here, std::string(bytes)), {.name = "send"});
        container.start(receive(*here), {.name = "receive"});
        scheduler.run();
        require(scheduler.subscribers().empty());
    }

    Task<> serve(ByteStream& stream) {
        const HttpLimits limits{.target = 200, .head = 1000, .headers = 10, .body = 1000};
        const Client client;
        const Handler handler = echo;
        Traffic traffic;
        Connection connection(stream, limits, client, handler, traffic);
        const std::function<bool()> last = [] { return false; };
        while (!(co_await stream.peek()).empty()) {
            const bool goes_on = co_await connection.serve_request(last);
            if (!goes_on) {
                break;
            }
        }
        co_await stream.shutdown();
        stream.discard_input();
    }
    // Ends the output also if the connection failed, so that the client sees an end.
    Task<> serve_and_end(ByteStream& stream) {
        try {
            co_await serve(stream);
            co_return;
        } catch (const StreamError&) {
        }
        co_await stream.shutdown();
        stream.discard_input();
    }
    Task<> send(ByteStream& stream, std::string bytes) {
        co_await stream.write(std::move(bytes));
        co_await stream.shutdown();
    }
    Task<> receive(ByteStream& stream) {
        for (;;) {
            const std::string_view bytes = co_await stream.read_some();
            if (bytes.empty()) {
                co_return;
            }
            answers += bytes;
        }
    }

    std::string answers;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    const Fuzzed whole(bytes, bytes.size() + 1);
    require(whole.log.empty());
    require(whole.answers.empty() || whole.answers.starts_with("HTTP/1.1 "));
    require(Fuzzed(bytes, data[0] % 64 + 1U).answers == whole.answers);
    return 0;
}
