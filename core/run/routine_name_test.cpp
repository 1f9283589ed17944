#include "core/run/routine_name.h"

#include <catch2/catch.hpp>

#include "core/run/span_buffer.h"
#include "core/wait/timeout.h"
#include "tests/support/world.h"

using namespace weir;
using namespace weir::test;

namespace {

Task<> wait_a_second() {
    co_await sleep(1s);
}

}  // namespace

TEST_CASE("routines of one name share its text, and each works for a trace of its own",
          "[routine_name]") {
    World world;
    const RoutineName name("session");
    const Ref<Routine> first = world.container.start(wait_a_second(), {.name = name});
    const Ref<Routine> second = world.container.start(wait_a_second(), {.name = name});
    CHECK(first->name() == "session");
    CHECK(&first->name() == &second->name());

    const Ref<TraceContext> context(new TraceContext({.trace_low = 1, .span = 2}, 0, "", {}));
    first->set_trace_context(context);
    CHECK(first->trace_context() == context.get());
    CHECK(second->trace_context() == nullptr);
    CHECK(first->name() == "session");
    first->set_trace_context(nullptr);
    CHECK(first->trace_context() == nullptr);
    world.run();
}
