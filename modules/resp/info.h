#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/run/scheduler.h"
#include "modules/resp/protocol.h"

namespace weir::resp {

// Returns the answer to INFO: lines `name:value` below headings `# Section`, as Redis has them; all
// sections unless some are named. `all`, `default` and `everything` name all; unknown names are
// ignored.
std::string info_text(const RespProtocol& protocol, Scheduler& scheduler,
                      std::span<const std::string_view> sections);

}  // namespace weir::resp
