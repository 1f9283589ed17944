#include "modules/system/call/api_type.h"

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "modules/system/call/json.h"
#include "modules/system/call/json_text.h"

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
    static const ApiType type{&typeid(Json), 0};
    return type;
}

const ApiType& json_text_api_type() noexcept {
    static const ApiType type{&typeid(JsonText), 0};
    return type;
}

}  // namespace detail

}  // namespace weir
