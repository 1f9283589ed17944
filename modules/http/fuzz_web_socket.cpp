// Feeds any frames, in any pieces, to a WebSocket that repeats what it receives.
//
// `./dev fuzz` builds and runs it. What it finds, build/fuzz/fuzz_web_socket-crash-..., is tried
// again by build/fuzz/bin/fuzz_web_socket FILE.
//
// The first byte of an input says in which pieces the rest arrives. The rest is frames without
// masks, which are put in here: the first byte of a frame, a byte of length, the payload. A first
// byte of 0x70 stands for bytes that go on as they are.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "modules/http/fuzz_world.h"
#include "modules/http/web_socket.h"
#include "modules/http/web_socket_test_client.h"

namespace {

using namespace weir;
using namespace weir::http;

constexpr std::size_t most_in_message = 1000;

std::string frames_of(std::string_view input) {
    std::string frames;
    while (input.size() >= 2) {
        const auto first = static_cast<unsigned char>(input[0]);
        const auto length = static_cast<unsigned char>(input[1]);
        const std::string_view payload = input.substr(2, length);
        frames += first == 0x70 ? std::string(payload) : masked_frame(first, payload);
        input.remove_prefix(2 + payload.size());
    }
    return frames;
}

Task<> repeat(WebSocket& socket) {
    while (const auto message = co_await socket.receive()) {
        require(message->bytes.size() <= most_in_message);
        if (message->is_text) {
            co_await socket.send(message->bytes);
        } else {
            co_await socket.send_binary(message->bytes);
        }
    }
    require(!socket.is_open());
}

// What a client receives that sends `frames` behind its handshake.
struct Fuzzed : FuzzWorld {
    Fuzzed(const std::string& frames, std::size_t most_at_once)
        : FuzzWorld(web_socket_request("/") + frames, most_at_once, {}, [](Exchange& exchange) {
              return serve_web_socket(exchange, repeat, {.max_message = most_in_message});
          }) {}
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    const std::string frames =
        frames_of(std::string_view(reinterpret_cast<const char*>(data) + 1, size - 1));
    const Fuzzed whole(frames, frames.size() + 1000);
    require(whole.log.empty());
    require(whole.received.starts_with("HTTP/1.1 101 "));
    require(Fuzzed(frames, data[0] % 64 + 1U).received == whole.received);
    return 0;
}
