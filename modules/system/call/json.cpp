#include "modules/system/call/json.h"

#include <cstddef>

#include "config/settings/description.h"
#include "modules/system/call/api_error.h"

namespace weir {

namespace {

constexpr std::size_t deepest = 64;

// Returns how deep lists and objects are nested. Looks at nothing else.
std::size_t depth_of(std::string_view text) noexcept {
    std::size_t depth = 0;
    std::size_t most = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char character = text[i];
        if (in_string) {
            i += character == '\\' ? 1 : 0;
            in_string = character != '"';
        } else if (character == '"') {
            in_string = true;
        } else if (character == '[' || character == '{') {
            most = std::max(most, ++depth);
        } else if ((character == ']' || character == '}') && depth != 0) {
            --depth;
        }
    }
    return most;
}

[[noreturn]] void throw_too_deep() {
    throw ApiException(ApiError::bad_parameter, "more than " + std::to_string(deepest) +
                                                    " lists and objects within each other");
}

config::Value convert(const Json& json, std::size_t depth) {
    if (depth > deepest) {
        throw_too_deep();
    }
    switch (json.type()) {
        case Json::value_t::boolean:
            return json.get<bool>();
        case Json::value_t::number_integer:
            return json.get<std::int64_t>();
        case Json::value_t::number_unsigned:
            return json.get<std::uint64_t>();
        case Json::value_t::number_float:
            return json.get<double>();
        case Json::value_t::string:
            return json.get_ref<const std::string&>();
        case Json::value_t::array: {
            config::Value list = config::Value::list();
            for (const Json& element : json) list.add(convert(element, depth + 1));
            return list;
        }
        case Json::value_t::object: {
            config::Value object = config::Value::object();
            for (const auto& [name, member] : json.items()) {
                object.add(name, convert(member, depth + 1));
            }
            return object;
        }
        default:
            return nullptr;
    }
}

}  // namespace

config::Value value_of(const Json& json) {
    return convert(json, 0);
}

Json parse_json(std::string_view text) {
    if (text.empty()) {
        return nullptr;
    }
    if (depth_of(text) > deepest) {
        throw_too_deep();
    }
    try {
        return Json::parse(text);
    } catch (const Json::exception& error) {
        // [json.exception.parse_error.101] parse error at line 1, column 2: ...
        const std::string_view what = error.what();
        const std::size_t begin = what.find("] ");
        throw ApiException(ApiError::bad_parameter,
                           "no JSON: " + std::string(what.substr(
                                             begin == std::string_view::npos ? 0 : begin + 2)));
    }
}

Json json_of(const config::Value& value) {
    if (const auto* boolean = value.get<bool>()) return *boolean;
    if (const auto* integer = value.get<std::int64_t>()) return *integer;
    if (const auto* large = value.get<std::uint64_t>()) return *large;
    if (const auto* real = value.get<double>()) return *real;
    if (const auto* text = value.get<std::string>()) return *text;
    if (const auto* list = value.get<config::Value::List>()) {
        Json result = Json::array();
        for (const config::Value& element : *list) result.push_back(json_of(element));
        return result;
    }
    if (const auto* object = value.get<config::Value::Object>()) {
        Json result = Json::object();
        for (const config::Member& member : *object) result[member.name] = json_of(member.value);
        return result;
    }
    return nullptr;
}

// The members of a struct go straight into the object.
Json json_from(const config::Type& type, const void* value) {
    const config::Nested nested = type.nested();
    if (!nested.is_member) {
        return json_of(type.to_json(value));
    }
    Json result = Json::object();
    auto& members = result.get_ref<Json::object_t&>();
    for (const config::Setting& setting : nested.description->settings()) {
        members.emplace(setting.name, setting.secret
                                          ? Json("(secret)")
                                          : json_from(*setting.type, setting.value_in(value)));
    }
    return result;
}

}  // namespace weir
