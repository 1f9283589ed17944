#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/clock.h"
#include "core/base/pool.h"
#include "core/base/ref.h"

namespace weir {

class Poller;
class SpanBuffer;

/// Names a span: a part of a trace, which is one request on its way through several programs.
struct SpanIds {
    std::uint64_t trace_high = 0;
    std::uint64_t trace_low = 0;
    std::uint64_t span = 0;
    std::uint64_t parent = 0;  ///< the span in which this one began; 0: none

    /// Returns the 32 hexadecimal digits of the trace.
    std::string trace_text() const;
};

/// Returns 16 hexadecimal digits.
std::string span_text(std::uint64_t span);

/// The span for which a routine works at the moment, in the terms of W3C Trace Context. Travels
/// with the calls of the routine and the requests that it sends, so that a collector can put
/// together what several programs did for one request.
///
/// Immutable. On one thread.
struct TraceContext final : SpanIds, RefCounted<TraceContext>, pool::Pooled {
    TraceContext(const SpanIds& ids, std::uint8_t with_flags, std::string with_state,
                 Ref<SpanBuffer> into, Time began_at = {});
    ~TraceContext();

    /// Returns the context in the header `traceparent` of a request, and the header `tracestate`,
    /// which is given on as it is; null if the first is wrong, which means that there is none.
    static Ref<TraceContext> read(std::string_view traceparent, std::string_view tracestate);
    /// Returns the context of a trace that begins here.
    static Ref<TraceContext> begin(Poller& poller, Ref<SpanBuffer> into);
    /// Returns a context for a part of this span; this one if it is not recorded.
    Ref<TraceContext> child(Poller& poller);
    /// The same, recorded from here on: it came from another program.
    Ref<TraceContext> child(Poller& poller, Ref<SpanBuffer> into) const;

    bool sampled() const noexcept { return (flags & 1) != 0; }
    /// Returns whether its spans are recorded here.
    bool recorded() const noexcept { return spans != nullptr; }
    /// Returns the header `traceparent` of a request that is sent within the span.
    std::string header() const;

    const std::uint8_t flags;
    const std::string state;      ///< the header tracestate; "": none
    const Ref<SpanBuffer> spans;  ///< where its spans go when they end; null: nowhere
    const Time began;             ///< if the span began here
};

}  // namespace weir
