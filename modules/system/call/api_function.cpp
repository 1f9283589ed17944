#include "modules/system/call/api_function.h"

#include "config/document/fragments.h"
#include "config/document/problems.h"
#include "config/settings/reader.h"
#include "config/text/nearest_name.h"

namespace weir {

void read_parameters(const config::Description& description, const Json& json, void* parameters) {
    if (!json.is_null() && !json.is_object()) {
        throw ApiException(
            ApiError::bad_parameter,
            std::string("expected an object of parameters, found ") + json.type_name());
    }
    const config::Value value = json.is_null() ? config::Value::object() : value_of(json);
    const config::Position nowhere;
    const config::Origin origin{0, {}};
    config::Problems problems(10);
    for (const config::Member& member : *value.get<config::Value::Object>()) {
        if (description.find(member.name) == nullptr) {
            problems.add(nowhere, {},
                         config::unknown_name("parameter", member.name, description.names()));
        }
    }
    config::Reader reader(problems, nowhere, {});
    const config::Fragments fragments{{&value, &nowhere, {}, &origin}};
    description.read(fragments, parameters, reader, config::Unknown::ignore);
    if (problems.empty()) {
        return;
    }
    std::string message;
    for (const config::Problem& problem : problems) {
        message += (message.empty() ? "" : "; ") + to_text(problem);
    }
    throw ApiException(ApiError::bad_parameter, std::move(message));
}

namespace detail {

void throw_other_parameters() {
    throw ApiException(ApiError::bad_parameter,
                       "the parameters are of another type than those of the function, or of "
                       "another version of it");
}

}  // namespace detail

}  // namespace weir
