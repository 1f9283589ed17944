#include "modules/system/call/call_span.h"

#include <new>
#include <string>
#include <utility>

#include "core/run/routine.h"
#include "core/run/scheduler.h"
#include "core/run/span_buffer.h"
#include "modules/system/call/api_call.h"

namespace weir {

void begin_span(ApiCall& call, const Routine& caller) {
    call.trace = caller.trace_context()->child(caller.scheduler().poller());
}

void end_span(const ApiCall& call, std::string_view module, std::string_view function,
              Scheduler& scheduler, std::string_view error) noexcept {
    const TraceContext& trace = *call.trace;
    if (!trace.recorded()) {
        return;
    }
    try {
        Span span{.ids = trace,
                  .name = std::string(module).append(".").append(function),
                  .began = trace.began,
                  .ended = scheduler.now(),
                  .error = std::string(error)};
        span.attributes.emplace_back("rpc.service", module);
        span.attributes.emplace_back("rpc.method", function);
        trace.spans->add(std::move(span));
    } catch (const std::bad_alloc&) {
        trace.spans->count_dropped();
    }
}

}  // namespace weir
