#include "modules/system/call/api_function.h"

#include "config/document/fragments.h"
#include "config/document/problems.h"
#include "config/settings/flat_reader.h"
#include "config/settings/reader.h"
#include "config/text/nearest_name.h"
#include "modules/system/call/json.h"
#include "modules/system/call/json_text.h"

namespace weir {

config::Settings<NoParameters> NoParameters::describe() {
    return config::settings<NoParameters>("");
}

ApiFunction::ApiFunction() = default;
ApiFunction::ApiFunction(const ApiFunction&) = default;
ApiFunction::ApiFunction(ApiFunction&&) noexcept = default;
ApiFunction& ApiFunction::operator=(const ApiFunction&) = default;
ApiFunction& ApiFunction::operator=(ApiFunction&&) noexcept = default;
ApiFunction::~ApiFunction() = default;

namespace {

// The short way, for parameters that are all scalars, known and allowed. Returns false otherwise;
// read_parameters() then reads them all anew.
bool read_scalars(const config::Description& description, const Json& json, void* parameters) {
    if (!json.is_object()) {
        return false;
    }
    const auto& members = json.get_ref<const Json::object_t&>();
    std::size_t read = 0;
    for (const config::Setting& setting : description.settings()) {
        const auto found = members.find(setting.name);
        if (found == members.end()) {
            if (setting.required) {
                return false;
            }
            continue;
        }
        const Json& value = found->second;
        if (value.is_structured() ||
            !setting.type->read_scalar(value_of(value), setting.value_in(parameters))) {
            return false;
        }
        ++read;
    }
    return read == members.size();
}

// A client may send as many as it likes, and to look for the name that is meant takes time.
constexpr std::size_t most_problems = 10;

}  // namespace

void read_parameters(const config::Description& description, const Json& json, void* parameters) {
    if (read_scalars(description, json, parameters)) {
        return;
    }
    if (!json.is_null() && !json.is_object()) {
        throw ApiException(
            ApiError::bad_parameter,
            std::string("expected an object of parameters, found ") + json.type_name());
    }
    const config::Position nowhere;
    config::Problems problems(most_problems);
    for (auto member = json.begin(); member != json.end() && !problems.full(); ++member) {
        if (description.find(member.key()) == nullptr) {
            problems.add(nowhere, {},
                         config::unknown_name("parameter", member.key(), description.names()));
        }
    }
    if (!problems.full()) {
        const config::Value value = json.is_null() ? config::Value::object() : value_of(json);
        const config::Origin origin{0, {}};
        config::Reader reader(problems, nowhere, {});
        const config::Fragments fragments{{&value, &nowhere, {}, &origin}};
        description.read(fragments, parameters, reader, config::Unknown::ignore);
    }
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

namespace {

[[noreturn]] void throw_other_parameters() {
    throw ApiException(ApiError::bad_parameter,
                       "the parameters are of another type than those of the function, or of "
                       "another version of it");
}

const JsonText* text_in(const CallSlots& slots) {
    return slots.parameters_type != nullptr && *slots.parameters_type == json_text_api_type()
               ? static_cast<const JsonText*>(slots.parameters)
               : nullptr;
}

}  // namespace

void convert_parameters(const config::Description& description, const CallSlots& slots,
                        void* parameters) {
    if (slots.parameters_type == nullptr) {
        read_parameters(description, Json(), parameters);
    } else if (*slots.parameters_type == api_type_of<Json>()) {
        read_parameters(description, *static_cast<const Json*>(slots.parameters), parameters);
    } else if (const JsonText* const json = text_in(slots)) {
        if (!config::read_flat(json->text, description, parameters)) {
            read_parameters(description, parse_json(json->text), parameters);
        }
    } else {
        throw_other_parameters();
    }
}

void convert_parameters(const CallSlots& slots, Json& parameters) {
    const JsonText* const json = text_in(slots);
    if (json == nullptr) {
        throw_other_parameters();
    }
    parameters = parse_json(json->text);
}

ApiFunction named_function(std::string name, std::string sentence,
                           const config::Description* parameters) {
    ApiFunction made;
    made.name = std::move(name);
    made.sentence = std::move(sentence);
    if (made.sentence.empty() && parameters != nullptr) {
        made.sentence = parameters->sentence();
    }
    made.parameters = parameters;
    return made;
}

void set_result(ApiFunction& function, const config::Type& type) {
    function.result = type.name();
    function.result_members = type.nested().description;
}

}  // namespace detail

}  // namespace weir
