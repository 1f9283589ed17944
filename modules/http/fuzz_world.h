// A connection of HTTP in a world with virtual time, for fuzzers: a client sends any bytes, in any
// pieces, and keeps what it receives.

#pragma once

#include <cstddef>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "core/simulation/simulation.h"
#include "core/stream/memory_stream.h"
#include "modules/http/connection.h"
#include "tests/support/world_on.h"

namespace weir::http {

inline void require(bool holds) {
    if (!holds) std::abort();
}

// Sends `bytes`, at most `most_at_once` at a time, to a connection that `handler` serves.
struct FuzzWorld : test::WorldOn<Simulation> {
    FuzzWorld(std::string bytes, std::size_t most_at_once, const HttpLimits& limits,
              const Handler& handler)
        : WorldOn({}, 1U) {
        auto [here, there] = memory_pair(scheduler, {}, MemoryFaults{.most_at_once = most_at_once});
        container.start(serve_and_end(*there, limits, handler), {.name = "serve"});
        container.start(send(*here, std::move(bytes)), {.name = "send"});
        container.start(receive(*here), {.name = "receive"});
        scheduler.run();
        require(scheduler.subscribers().empty());
    }

    std::string received;

private:
    static Task<> serve(ByteStream& stream, const HttpLimits& limits, const Handler& handler) {
        Client client;
        client.hosts = {"localhost"};
        Traffic traffic;
        Connection connection(stream, limits, client, handler, traffic);
        const std::function<bool()> last = [] { return false; };
        while (!(co_await stream.peek()).empty()) {
            const bool goes_on = co_await connection.serve_request(last);
            if (!goes_on) {
                break;
            }
        }
    }
    // Ends the output also if the connection failed, so that the client sees an end.
    static Task<> serve_and_end(ByteStream& stream, const HttpLimits& limits,
                                const Handler& handler) {
        try {
            co_await serve(stream, limits, handler);
        } catch (const StreamError&) {
        }
        co_await stream.shutdown();
        stream.discard_input();
    }
    static Task<> send(ByteStream& stream, std::string bytes) {
        co_await stream.write(std::move(bytes));
        co_await stream.shutdown();
    }
    Task<> receive(ByteStream& stream) {
        for (;;) {
            const std::string_view bytes = co_await stream.read_some();
            if (bytes.empty()) {
                co_return;
            }
            received += bytes;
        }
    }
};

}  // namespace weir::http
