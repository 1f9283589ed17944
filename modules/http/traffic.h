#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/base/histogram.h"
#include "core/base/list.h"
#include "core/base/ref.h"
#include "core/run/span_buffer.h"
#include "modules/http/request_parser.h"
#include "modules/http/response.h"

namespace weir::http {

class WebSocket;

// What the connections of one server do together: counts for its metrics, and the WebSockets, which
// the server ends.
struct Traffic {
    // Responses by the class of their status; the first are 1xx.
    std::array<std::uint64_t, 5> responses{};
    Histogram time;              // from the head of a request until its response begins
    std::uint64_t received = 0;  // bytes of requests
    std::uint64_t sent = 0;      // bytes of responses
    List<WebSocket> web_sockets;
    HttpDate date;
    // Free ones, with their memory: usually a request needs none of its own.
    std::vector<std::unique_ptr<RequestParser>> parsers;
    Ref<SpanBuffer> spans;  // of requests that are part of a trace; null: nowhere

    void count_response(int status) noexcept {
        ++responses[static_cast<std::size_t>(std::clamp(status / 100, 1, 5) - 1)];
    }
};

}  // namespace weir::http
