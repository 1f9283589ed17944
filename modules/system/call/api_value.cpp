#include "modules/system/call/api_value.h"

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "modules/system/call/json.h"

namespace weir {

namespace detail {

namespace {

std::string text_of(const config::Type& type, std::vector<const config::Description*>& open);

std::string text_of(const config::Description& description,
                    std::vector<const config::Description*>& open) {
    std::string text = "{";
    open.push_back(&description);
    for (const config::Setting& setting : description.settings()) {
        text += setting.name + ":" + text_of(*setting.type, open) + ",";
    }
    open.pop_back();
    return text + "}";
}

std::string text_of(const config::Type& type, std::vector<const config::Description*>& open) {
    const config::Description* nested = type.nested().description;
    std::string text = type.name();
    if (nested != nullptr && std::find(open.begin(), open.end(), nested) == open.end()) {
        text += text_of(*nested, open);
    }
    return text;
}

}  // namespace

std::uint64_t shape_of(const config::Type& type, std::size_t size) {
    std::vector<const config::Description*> open;
    return std::hash<std::string>()(text_of(type, open)) * 31 + size;
}

const ApiType& json_api_type() noexcept {
    static constexpr auto destroy = [](void* value) noexcept { delete static_cast<Json*>(value); };
    static const ApiType type{&typeid(Json), 0, destroy};
    return type;
}

}  // namespace detail

ApiValue::ApiValue(Json json)
    : value_(new Json(std::move(json))), type_(&detail::json_api_type()) {}

ApiValue ApiValue::null() {
    return ApiValue(Json());
}

ApiValue ApiValue::json_from(const config::Type& type, const void* value) {
    return ApiValue(json_of(type.to_json(value)));
}

}  // namespace weir
