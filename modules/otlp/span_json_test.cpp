#include "modules/otlp/span_json.h"

#include <chrono>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "modules/system/call/json.h"

using namespace weir;
using namespace std::chrono_literals;

TEST_CASE("spans are exported in the JSON of OTLP") {
    const Time now = Time() + 1h;
    Span request{.ids = {.trace_high = 1, .trace_low = 0xAB, .span = 0x10, .parent = 0xF0},
                 .kind = Span::Kind::server,
                 .name = "GET /site/*",
                 .began = now - 1500ns,
                 .ended = now - 1us,
                 .status = 404,
                 .attributes = {{"http.route", "/site/*"}}};
    Span call{.ids = {.trace_high = 1, .trace_low = 0xAB, .span = 0x11},
              .name = "lock.acquire",
              .began = now - 2us,
              .ended = now,
              .error = "timeout"};
    const std::vector<Span> spans = {request, call};
    const WallTime wall = WallTime(std::chrono::microseconds(1'700'000'000'000'000));
    const Json json = Json::parse(otlp::span_json(spans, {{"service.name", "shop"}}, {now, wall}));
    const Json& of_resource = json.at("resourceSpans").at(0);
    CHECK(of_resource.at("resource").at("attributes") ==
          Json::parse(R"([{"key": "service.name", "value": {"stringValue": "shop"}}])"));
    const Json& scope = of_resource.at("scopeSpans").at(0);
    CHECK(scope.at("scope").at("name") == "weir");
    CHECK(scope.at("spans") == Json::parse(R"([
        {"traceId": "000000000000000100000000000000ab", "spanId": "0000000000000010",
         "parentSpanId": "00000000000000f0", "name": "GET /site/*", "kind": 2,
         "startTimeUnixNano": "1699999999999998500", "endTimeUnixNano": "1699999999999999000",
         "attributes": [{"key": "http.route", "value": {"stringValue": "/site/*"}},
                        {"key": "http.response.status_code", "value": {"intValue": "404"}}]},
        {"traceId": "000000000000000100000000000000ab", "spanId": "0000000000000011",
         "name": "lock.acquire", "kind": 1,
         "startTimeUnixNano": "1699999999999998000", "endTimeUnixNano": "1700000000000000000",
         "status": {"code": 2},
         "attributes": [{"key": "error.type", "value": {"stringValue": "timeout"}}]}])"));
}

TEST_CASE("a refusal is a failure to the client that got it, and none of the server") {
    const auto fails = [](Span::Kind kind, int status) {
        const std::vector<Span> spans = {
            {.ids = {}, .kind = kind, .name = "GET", .status = status}};
        const Json json = Json::parse(otlp::span_json(spans, {}, {}));
        return json["resourceSpans"][0]["scopeSpans"][0]["spans"][0].contains("status");
    };
    CHECK_FALSE(fails(Span::Kind::server, 404));
    CHECK(fails(Span::Kind::server, 503));
    CHECK(fails(Span::Kind::client, 404));
    CHECK_FALSE(fails(Span::Kind::client, 204));
}
