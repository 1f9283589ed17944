#include "core/run/trace_context.h"

#include <array>
#include <cinttypes>
#include <cstdio>
#include <optional>
#include <utility>

#include "core/run/poller.h"
#include "core/run/span_buffer.h"

namespace weir {

namespace {

// Returns what lower-case hexadecimal digits say; upper case is no digit there.
std::optional<std::uint64_t> hexadecimal(std::string_view digits) noexcept {
    std::uint64_t value = 0;
    for (const char digit : digits) {
        if (digit >= '0' && digit <= '9') {
            value = value << 4 | static_cast<std::uint64_t>(digit - '0');
        } else if (digit >= 'a' && digit <= 'f') {
            value = value << 4 | static_cast<std::uint64_t>(digit - 'a' + 10);
        } else {
            return {};
        }
    }
    return value;
}

std::uint64_t random_number(Poller& poller) noexcept {
    std::uint64_t id = 0;
    while (id == 0) {
        id = poller.random();
    }
    return id;
}

}  // namespace

std::string SpanIds::trace_text() const {
    return span_text(trace_high) + span_text(trace_low);
}

std::string span_text(std::uint64_t span) {
    std::array<char, 17> text{};
    std::snprintf(text.data(), text.size(), "%016" PRIx64, span);
    return {text.data(), text.size() - 1};
}

TraceContext::TraceContext(const SpanIds& ids, std::uint8_t with_flags, std::string with_state,
                           Ref<SpanBuffer> into, Time began_at)
    : SpanIds(ids),
      flags(with_flags),
      state(std::move(with_state)),
      spans(std::move(into)),
      began(began_at) {}

TraceContext::~TraceContext() = default;

// version "-" trace "-" span "-" flags. A later version may add to that, behind another "-".
Ref<TraceContext> TraceContext::read(std::string_view traceparent, std::string_view tracestate) {
    constexpr std::size_t length = 55;
    if (traceparent.size() < length || traceparent[2] != '-' || traceparent[35] != '-' ||
        traceparent[52] != '-') {
        return {};
    }
    const auto version = hexadecimal(traceparent.substr(0, 2));
    const auto high = hexadecimal(traceparent.substr(3, 16));
    const auto low = hexadecimal(traceparent.substr(19, 16));
    const auto span = hexadecimal(traceparent.substr(36, 16));
    const auto flags = hexadecimal(traceparent.substr(53, 2));
    const bool fits =
        traceparent.size() == length || (version && *version != 0 && traceparent[length] == '-');
    if (!version || *version == 0xFF || !fits || !high || !low || (*high == 0 && *low == 0) ||
        !span || *span == 0 || !flags) {
        return {};
    }
    const SpanIds ids{.trace_high = *high, .trace_low = *low, .span = *span};
    return Ref<TraceContext>(
        new TraceContext(ids, static_cast<std::uint8_t>(*flags), std::string(tracestate), nullptr));
}

Ref<TraceContext> TraceContext::begin(Poller& poller, Ref<SpanBuffer> into) {
    const SpanIds ids{.trace_high = random_number(poller),
                      .trace_low = random_number(poller),
                      .span = random_number(poller)};
    return Ref<TraceContext>(new TraceContext(ids, 1, "", std::move(into), poller.now()));
}

Ref<TraceContext> TraceContext::child(Poller& poller) {
    return recorded() ? child(poller, spans) : Ref<TraceContext>(this);
}

Ref<TraceContext> TraceContext::child(Poller& poller, Ref<SpanBuffer> into) const {
    SpanIds ids = *this;
    ids.parent = span;
    ids.span = random_number(poller);
    return Ref<TraceContext>(new TraceContext(ids, flags, state, std::move(into), poller.now()));
}

// Of the flags only `sampled` is known, and may be given on.
std::string TraceContext::header() const {
    return "00-" + trace_text() + "-" + span_text(span) + (sampled() ? "-01" : "-00");
}

}  // namespace weir
