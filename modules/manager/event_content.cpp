#include "modules/manager/event_content.h"

#include <string>

#include "modules/system/event/event_description.h"
#include "modules/system/event/event_json.h"

namespace weir {

namespace {

constexpr std::size_t most_elements = 20;     // of a list, or an object
constexpr std::size_t most_characters = 200;  // of a text, in bytes

// Bytes that continue a character of UTF-8 begin so.
constexpr bool continues(char byte) noexcept {
    return (static_cast<unsigned char>(byte) & 0xc0U) == 0x80U;
}

std::string cut_text(const std::string& text) {
    if (text.size() <= most_characters) {
        return text;
    }
    std::size_t end = most_characters;
    while (end != 0 && continues(text[end])) {
        --end;
    }
    return text.substr(0, end) + "... (" + std::to_string(text.size()) + " bytes)";
}

}  // namespace

EventContents::EventContents(const Caller& client, std::size_t most)
    : may_see_(client.may({"server", "watch_events", true})), left_(most) {}

Json EventContents::of(const Event& event) {
    if (!may_see_ || left_ == 0 || !why_not_portable(event.type()).empty()) {
        return {};
    }
    return cut(event_value(event));
}

Json EventContents::cut(const config::Value& value) {
    if (left_ == 0) {
        return "...";
    }
    left_ -= left_ == no_limit ? 0 : 1;
    if (const auto* text = value.get<std::string>()) {
        return cut_text(*text);
    }
    std::size_t told = 0;
    if (const auto* list = value.get<config::Value::List>()) {
        Json result = Json::array();
        for (const config::Value& element : *list) {
            if (told++ == most_elements) {
                result.push_back("... (" + std::to_string(list->size()) + " elements)");
                break;
            }
            result.push_back(cut(element));
        }
        return result;
    }
    if (const auto* object = value.get<config::Value::Object>()) {
        Json result = Json::object();
        for (const config::Member& member : *object) {
            if (told++ == most_elements) {
                result["..."] = std::to_string(object->size()) + " members";
                break;
            }
            result[cut_text(member.name)] = cut(member.value);
        }
        return result;
    }
    return json_of(value);
}

}  // namespace weir
