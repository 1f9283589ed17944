#pragma once

#include <string_view>

namespace weir {

struct ApiCall;
class Routine;
class Scheduler;

/// Makes the call part of the trace for which its caller works: a span of its own, if spans are
/// recorded. Requires that the caller works for one.
void begin_span(ApiCall& call, const Routine& caller);

/// Records the span of a call that has ended, if it is recorded. `error`: its code; "": none.
void end_span(const ApiCall& call, std::string_view module, std::string_view function,
              Scheduler& scheduler, std::string_view error) noexcept;

}  // namespace weir
