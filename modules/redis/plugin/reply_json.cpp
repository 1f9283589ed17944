#include "modules/redis/plugin/reply_json.h"

#include <cmath>

#include "config/text/utf8.h"
#include "modules/system/call/api_error.h"
#include "modules/system/call/json.h"

namespace weir::redis {
namespace {

const std::string& checked(const std::string& text) {
    if (config::utf8_prefix(text) != text.size()) {
        throw ApiException("not_text",
                           "the reply has bytes that are no UTF-8, which JSON cannot have; the "
                           "command was executed");
    }
    return text;
}

std::string name_of(const Reply& reply) {
    return reply.type == Reply::Type::text || reply.type == Reply::Type::status
               ? checked(reply.text)
               : json_of(reply).dump();
}

}  // namespace

Json json_of(const Reply& reply) {
    switch (reply.type) {
        case Reply::Type::nil:
            return nullptr;
        case Reply::Type::boolean:
            return reply.integer != 0;
        case Reply::Type::integer:
            return reply.integer;
        case Reply::Type::number:
            if (std::isfinite(reply.number)) {
                return reply.number;
            }
            return std::isnan(reply.number) ? "nan" : reply.number > 0 ? "inf" : "-inf";
        case Reply::Type::text:
        case Reply::Type::status:
            return checked(reply.text);
        case Reply::Type::error:
            return {{"error", checked(reply.text)}};
        case Reply::Type::list:
        case Reply::Type::push:
            break;
        case Reply::Type::map: {
            Json object = Json::object();
            for (std::size_t i = 0; i + 1 < reply.items.size(); i += 2) {
                object[name_of(reply.items[i])] = json_of(reply.items[i + 1]);
            }
            return object;
        }
    }
    Json list = Json::array();
    for (const Reply& item : reply.items) {
        list.push_back(json_of(item));
    }
    return list;
}

std::string argument_text(const config::Value& value) {
    const std::string* const text = value.get<std::string>();
    return text != nullptr ? *text : config::to_json(value);
}

}  // namespace weir::redis
