#include "modules/otlp/span_json.h"

#include <chrono>
#include <string_view>

#include "modules/system/call/json.h"
#include "modules/system/call/json_writer.h"
#include "modules/system/module/abi.h"

namespace weir::otlp {

namespace {

Json text_attribute(const std::string& name, const std::string& value) {
    return {{"key", name}, {"value", {{"stringValue", value}}}};
}

// 64-bit integers are texts in JSON, as its numbers are not exact.
std::string nanoseconds(Time time, const Moment& now) {
    const auto wall = std::chrono::nanoseconds(now.wall.time_since_epoch()) - (now.time - time);
    return std::to_string(wall.count());
}

// A client sees each refusal as a failure, a server only what it has done wrong itself.
bool has_failed(const Span& span) {
    return !span.error.empty() || span.status >= (span.kind == Span::Kind::client ? 400 : 500);
}

Json json_of(const Span& span, const Moment& now) {
    Json attributes = Json::array();
    for (const auto& [name, value] : span.attributes) {
        attributes.push_back(text_attribute(name, value));
    }
    if (span.status != 0) {
        attributes.push_back({{"key", "http.response.status_code"},
                              {"value", {{"intValue", std::to_string(span.status)}}}});
    }
    Json json{{"traceId", span.ids.trace_text()},
              {"spanId", span_text(span.ids.span)},
              {"name", span.name},
              {"kind", static_cast<int>(span.kind)},
              {"startTimeUnixNano", nanoseconds(span.began, now)},
              {"endTimeUnixNano", nanoseconds(span.ended, now)}};
    if (span.ids.parent != 0) {
        json["parentSpanId"] = span_text(span.ids.parent);
    }
    if (has_failed(span)) {
        const std::string error = span.error.empty() ? std::to_string(span.status) : span.error;
        attributes.push_back(text_attribute("error.type", error));
        json["status"] = {{"code", 2}};
    }
    json["attributes"] = std::move(attributes);
    return json;
}

}  // namespace

std::string span_json(std::span<const Span> spans,
                      const std::map<std::string, std::string>& resource, const Moment& now) {
    Json attributes = Json::array();
    for (const auto& [name, value] : resource) {
        attributes.push_back(text_attribute(name, value));
    }
    Json list = Json::array();
    for (const Span& span : spans) {
        list.push_back(json_of(span, now));
    }
    Json scope{{"scope", {{"name", "weir"}, {"version", WEIR_VERSION}}},
               {"spans", std::move(list)}};
    Json of_resource{{"resource", {{"attributes", std::move(attributes)}}},
                     {"scopeSpans", Json::array({std::move(scope)})}};
    const Json request{{"resourceSpans", Json::array({std::move(of_resource)})}};
    return json_text(request);
}

}  // namespace weir::otlp
