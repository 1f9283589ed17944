#pragma once

#include <string>
#include <string_view>

#include "core/run/span_buffer.h"
#include "core/run/trace_context.h"

namespace weir {

class Routine;

}  // namespace weir

namespace weir::http {

class Exchange;
struct Request;

// A request as a span of a distributed trace: while it lives, the routine that handles the request
// works for that span. Recorded when it ends, if the trace is sampled and a collector wants spans.
class RequestSpan {
public:
    // Returns whether the request may be part of a trace: others need no RequestSpan.
    static bool is_wanted(const Request& request, const SpanBuffer* spans);

    // `spans`: null: nowhere. All must outlive it.
    RequestSpan(const Exchange& exchange, Routine& routine, const Ref<SpanBuffer>& spans);
    RequestSpan(const RequestSpan&) = delete;
    RequestSpan& operator=(const RequestSpan&) = delete;
    ~RequestSpan();

    // The pattern of the path: what all spans of its kind have in common.
    void set_route(std::string_view pattern) { route_ = pattern; }

private:
    const Exchange& exchange_;
    Routine& routine_;
    Ref<TraceContext> context_;  // null: the request is part of no trace
    std::string route_;
};

// Returns the context that a client gives in its headers, recorded from here on if it is sampled
// and spans are taken; null if it gives none. What works in it is part of the client's own span.
Ref<TraceContext> trace_of_client(std::string_view traceparent, std::string_view tracestate,
                                  const Ref<SpanBuffer>& spans);

// A request that this program sends: a part of the span for which the routine works.
class ClientSpan {
public:
    // `host`: of the server.
    ClientSpan(Routine& routine, std::string_view method, std::string_view host);
    ClientSpan(const ClientSpan&) = delete;
    ClientSpan& operator=(const ClientSpan&) = delete;
    ~ClientSpan();

    // What the request gives on; null if the routine works for no trace.
    const TraceContext* context() const noexcept { return context_.get(); }
    void set_status(int status) noexcept { status_ = status; }

private:
    Routine& routine_;
    const Ref<TraceContext> context_;
    const std::string_view method_;
    const std::string_view host_;
    int status_ = 0;  // 0: there was no response
};

}  // namespace weir::http
