#pragma once

#include <map>
#include <span>
#include <string>

#include "core/base/clock.h"
#include "core/run/span_buffer.h"
#include "core/simulation/wall_clock.h"

namespace weir::otlp {

// A moment on both clocks: spans have the one, collectors want the other.
struct Moment {
    Time time;
    WallTime wall;
};

// Returns spans as a request to export them, in the JSON of OTLP. `resource`: attributes of the
// program.
std::string span_json(std::span<const Span> spans,
                      const std::map<std::string, std::string>& resource, const Moment& now);

}  // namespace weir::otlp
