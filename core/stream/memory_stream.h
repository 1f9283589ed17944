#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

#include "core/base/clock.h"
#include "core/stream/byte_stream.h"

namespace weir {

// What goes wrong on the way between the two ends of a pair in memory, in both directions. The
// scheduler's world decides by its random numbers: in a Simulation, by the seed.
struct MemoryFaults {
    // At most so many bytes arrive at a time, a random number from 1 on: short reads.
    std::size_t most_at_once = std::numeric_limits<std::size_t>::max();
    // Bytes arrive after a random time of up to this.
    Duration most_delay{};
    // After so many bytes in one direction the connection is reset: both ends fail with
    // UV_ECONNRESET, and lose what has not arrived.
    std::uint64_t reset_after = std::numeric_limits<std::uint64_t>::max();
};

// Returns two streams of which each reads what the other writes: a connection without a socket, to
// test a protocol in virtual time. They behave as sockets do: bounded buffers, backpressure, half
// close, and what was written before a close still arrives.
std::pair<ByteStream::Owner, ByteStream::Owner> memory_pair(Scheduler& scheduler,
                                                            const StreamOptions& options = {},
                                                            const MemoryFaults& faults = {});

}  // namespace weir
