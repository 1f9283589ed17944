#include "modules/system/call/json.h"

#include <cstddef>

#include "config/settings/description.h"
#include "modules/system/call/api_error.h"

namespace weir {

namespace {

constexpr std::size_t deepest = 64;

config::Value convert(const Json& json, std::size_t depth) {
    if (depth > deepest) {
        throw ApiException(ApiError::bad_parameter, "more than " + std::to_string(deepest) +
                                                        " lists and objects within each other");
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
