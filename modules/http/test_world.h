#pragma once

// A connection in memory and virtual time, for the tests of this room.

#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "core/stream/memory_stream.h"
#include "core/wait/timeout.h"
#include "modules/http/connection.h"
#include "tests/support/virtual_world.h"

namespace weir::http {

struct HttpWorld : test::VirtualWorld {
    explicit HttpWorld(Handler of_requests, HttpLimits with = {}, const MemoryFaults& faults = {},
                       std::uint64_t seed = 1)
        : VirtualWorld(seed), limits(with), handler(std::move(of_requests)) {
        std::tie(client_side, server_side) = memory_pair(scheduler, {}, faults);
    }

    // Sends the pieces, with a pause after each, ends the output, and returns all that is answered.
    std::string send(std::vector<std::string> pieces, Duration pause = {}) {
        std::string answer;
        run(serve(), write_all(std::move(pieces), pause), read_all(answer));
        return answer;
    }

    Task<> serve() {
        Connection connection(*server_side, limits, client, handler, traffic);
        const std::function<bool()> is_last = [this] { return last; };
        try {
            while (!(co_await server_side->peek()).empty()) {
                const bool goes_on = co_await connection.serve_request(is_last);
                if (!goes_on) {
                    break;
                }
                ++served;
            }
            co_await server_side->shutdown();
        } catch (const StreamError& error) {
            failure = error.what();
            server_side.reset();
        }
    }
    Task<> write_all(std::vector<std::string> pieces, Duration pause) {
        try {
            for (std::string& piece : pieces) {
                co_await client_side->write(std::move(piece));
                if (pause != Duration()) {
                    co_await sleep(pause);
                }
            }
            co_await client_side->shutdown();
        } catch (const StreamError&) {  // the server has ended the connection
        }
    }
    Task<> read_all(std::string& answer) {
        for (;;) {
            const std::string_view bytes = co_await client_side->read_some();
            if (bytes.empty()) {
                co_return;
            }
            answer += bytes;
        }
    }

    HttpLimits limits;
    Client client;
    Handler handler;
    Traffic traffic;
    ByteStream::Owner client_side;
    ByteStream::Owner server_side;
    bool last = false;
    int served = 0;  // requests after which the connection went on
    std::string failure;
};

// The bytes of a response in the simulation's first second.
inline std::string answer(std::string_view status, std::string_view headers,
                          std::string_view body) {
    return "HTTP/1.1 " + std::string(status) + "\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n" +
           std::string(headers) + "\r\n" + std::string(body);
}

}  // namespace weir::http
