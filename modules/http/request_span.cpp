#include "modules/http/request_span.h"

#include <new>
#include <utility>

#include "core/run/routine.h"
#include "core/run/scheduler.h"
#include "modules/http/exchange.h"

namespace weir::http {

namespace {

constexpr const char* parent_header = "traceparent";
constexpr const char* state_header = "tracestate";

Ref<TraceContext> context_of(const Request& request) {
    const auto parent = request.header(parent_header);
    return parent ? TraceContext::read(*parent, request.header(state_header).value_or(""))
                  : nullptr;
}

bool takes(const SpanBuffer* spans) noexcept {
    return spans != nullptr && spans->is_open();
}

// What the span of a request, sent or received, has in any case.
Span span_of(const TraceContext& context, Span::Kind kind, std::string_view method, int status) {
    Span span{.ids = context, .kind = kind, .name = std::string(method), .began = context.began};
    span.status = status;
    span.attributes.emplace_back("http.request.method", method);
    return span;
}

}  // namespace

bool RequestSpan::is_wanted(const Request& request, const SpanBuffer* spans) {
    return takes(spans) || request.header(parent_header);
}

RequestSpan::RequestSpan(const Exchange& exchange, Routine& routine, const Ref<SpanBuffer>& spans)
    : exchange_(exchange), routine_(routine), context_(context_of(exchange.request())) {
    Poller& poller = routine.scheduler().poller();
    if (context_ == nullptr) {
        if (takes(spans.get()) && spans->begins(poller.random())) {
            context_ = TraceContext::begin(poller, spans);
        }
    } else if (takes(spans.get()) && context_->sampled()) {
        context_ = context_->child(poller, spans);
    }
    routine_.set_trace_context(context_);
}

RequestSpan::~RequestSpan() {
    routine_.set_trace_context(nullptr);
    if (context_ == nullptr || !context_->recorded()) {
        return;
    }
    try {
        Span span =
            span_of(*context_, Span::Kind::server, exchange_.request().method, exchange_.status());
        span.ended = routine_.scheduler().now();
        if (!route_.empty()) {
            span.name += " " + route_;
            span.attributes.emplace_back("http.route", route_);
        }
        if (span.status == 0) {
            span.error = "client_gone";
        }
        context_->spans->add(std::move(span));
    } catch (const std::bad_alloc&) {
        context_->spans->count_dropped();
    }
}

Ref<TraceContext> trace_of_client(std::string_view traceparent, std::string_view tracestate,
                                  const Ref<SpanBuffer>& spans) {
    const Ref<TraceContext> given = TraceContext::read(traceparent, tracestate);
    return given != nullptr && given->sampled() && takes(spans.get())
               ? Ref<TraceContext>(new TraceContext(*given, given->flags, given->state, spans))
               : given;
}

ClientSpan::ClientSpan(Routine& routine, std::string_view method, std::string_view host)
    : routine_(routine),
      context_(routine.trace_context() == nullptr
                   ? nullptr
                   : routine.trace_context()->child(routine.scheduler().poller())),
      method_(method),
      host_(host) {}

ClientSpan::~ClientSpan() {
    if (context_ == nullptr || !context_->recorded()) {
        return;
    }
    try {
        Span span = span_of(*context_, Span::Kind::client, method_, status_);
        span.ended = routine_.scheduler().now();
        span.attributes.emplace_back("server.address", host_);
        if (status_ == 0) {
            span.error = "no_response";
        }
        context_->spans->add(std::move(span));
    } catch (const std::bad_alloc&) {
        context_->spans->count_dropped();
    }
}

}  // namespace weir::http
