#pragma once

#include <chrono>
#include <cstddef>

#include "core/base/clock.h"

namespace weir::http {

// What a client may send, and how long it may take: against clients that send too much, or nothing.
struct HttpLimits {
    std::size_t target = 8 * 1024;                  // bytes of the target, as /orders?customer=ann
    std::size_t head = 32 * 1024;                   // bytes of the whole head
    std::size_t headers = 100;                      // how many
    std::size_t compressed_from = 1024;             // bytes of a response; 0: none is
    std::size_t body = 1024 * 1024;                 // bytes of the body
    Duration head_time = std::chrono::seconds(10);  // from its first byte to its end
    Duration body_time = std::chrono::seconds(30);  // between two pieces of the body
    Duration whole_body_time = std::chrono::minutes(10);
    Duration write_time = std::chrono::seconds(30);  // in which the client takes something
};

}  // namespace weir::http
