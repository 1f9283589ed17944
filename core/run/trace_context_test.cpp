#include "core/run/trace_context.h"

#include <string>

#include <catch2/catch.hpp>

#include "core/run/span_buffer.h"
#include "core/simulation/simulation.h"

using namespace weir;

namespace {

const std::string parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

}  // namespace

TEST_CASE("a trace context is read from its headers, and written") {
    const Ref<TraceContext> context = TraceContext::read(parent, "congo=t61rcWkgMzE");
    REQUIRE(context != nullptr);
    CHECK(context->trace_text() == "0af7651916cd43dd8448eb211c80319c");
    CHECK(span_text(context->span) == "b7ad6b7169203331");
    CHECK(context->parent == 0);
    CHECK(context->sampled());
    CHECK_FALSE(context->recorded());
    CHECK(context->state == "congo=t61rcWkgMzE");
    CHECK(context->header() == parent);
    // A later version may have more, and other flags, which are not given on.
    const Ref<TraceContext> later =
        TraceContext::read("cc" + parent.substr(2, 51) + "fe-what-comes", "");
    REQUIRE(later != nullptr);
    CHECK(later->header() == parent.substr(0, 53) + "00");
}

TEST_CASE("a traceparent that is wrong is as none") {
    for (const std::string& wrong :
         {std::string(), parent.substr(0, 54), parent + "-", parent + "0", "ff" + parent.substr(2),
          "0x" + parent.substr(2), "01" + parent.substr(2) + "0",
          std::string("00-00000000000000000000000000000000-b7ad6b7169203331-01"),
          std::string("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01"),
          std::string("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01"),
          std::string("00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01"),
          std::string("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g")}) {
        INFO(wrong);
        CHECK(TraceContext::read(wrong, "") == nullptr);
    }
}

TEST_CASE("a part of a span is one of its own only if it is recorded") {
    Simulation simulation;
    const Ref<TraceContext> outside = TraceContext::read(parent, "a=b");
    CHECK(outside->child(simulation) == outside);
    const Ref<SpanBuffer> spans(new SpanBuffer);
    const Ref<TraceContext> here = outside->child(simulation, spans);
    CHECK(here->trace_text() == outside->trace_text());
    CHECK(here->parent == outside->span);
    CHECK(here->span != outside->span);
    CHECK(here->state == "a=b");
    const Ref<TraceContext> part = here->child(simulation);
    CHECK(part->parent == here->span);
    CHECK(part->spans == spans);
    const Ref<TraceContext> own = TraceContext::begin(simulation, spans);
    CHECK(own->sampled());
    CHECK(own->parent == 0);
    CHECK(own->trace_text() != here->trace_text());
}

TEST_CASE("a buffer of spans is bounded, and counts what it drops") {
    SpanBuffer spans;
    spans.add({.ids = {}, .name = "before it is open"});
    CHECK(spans.size() == 0);
    int half_full = 0;
    spans.open(4, 0.5, [&half_full] { ++half_full; });
    for (const char* name : {"a", "b", "c", "d", "e", "f"}) {
        spans.add({.ids = {}, .name = name});
    }
    CHECK(half_full == 1);
    CHECK(spans.size() == 4);
    CHECK(spans.dropped() == 2);
    const std::vector<Span> taken = spans.take(3);
    REQUIRE(taken.size() == 3);
    CHECK(taken.front().name == "a");
    CHECK(spans.size() == 1);
    CHECK(spans.begins(0));
    CHECK(spans.begins(std::uint64_t{1} << 62));
    CHECK_FALSE(spans.begins(~std::uint64_t{0}));
    spans.close();
    CHECK(spans.size() == 0);
    CHECK_FALSE(spans.begins(0));
}
