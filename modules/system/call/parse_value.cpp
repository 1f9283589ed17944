#include "modules/system/call/parse_value.h"

#include "modules/system/call/api_error.h"
#include "modules/system/call/json.h"

namespace weir {

std::optional<config::Value> parse_value(std::string_view text) {
    const Json json = Json::parse(text, nullptr, false);
    if (json.is_discarded()) {
        return std::nullopt;
    }
    try {
        return value_of(json);
    } catch (const ApiException&) {
        return std::nullopt;
    }
}

}  // namespace weir
