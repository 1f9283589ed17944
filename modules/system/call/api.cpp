#include "modules/system/call/api.h"

#include <algorithm>
#include <bit>

#include "config/settings/describe_text.h"
#include "core/base/pool_permanent.h"
#include "modules/system/call/json.h"

namespace weir {

namespace {

std::string signature(const ApiFunction& function) {
    std::string text = function.name + "(";
    if (function.parameters == nullptr) {
        text += "any";
    } else {
        std::string_view comma;
        for (const config::Setting& parameter : function.parameters->settings()) {
            text += comma;
            text += parameter.required ? parameter.name : "[" + parameter.name + "]";
            comma = ", ";
        }
    }
    text += ")";
    if (!function.result.empty()) {
        text += " -> " + function.result;
    }
    text += function.is_public ? ", public" : "";
    text += function.reads ? ", reads" : "";
    return text;
}

std::string indented(const std::string& text, std::string_view indent) {
    std::string result;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        result += std::string(indent) + text.substr(begin, end - begin) + "\n";
        begin = end + 1;
    }
    return result;
}

Json describe_parameter(const config::Setting& parameter, const void* defaults) {
    Json json{{"name", parameter.name},
              {"type", parameter.type->name()},
              {"description", parameter.sentence}};
    if (parameter.required) {
        json["required"] = true;
    } else {
        json["default"] = json_of(parameter.type->to_json(parameter.value_in(defaults)));
    }
    if (const std::string allowed = parameter.type->allowed(); !allowed.empty()) {
        json["allowed"] = allowed;
    }
    if (!parameter.unit.empty()) {
        json["unit"] = parameter.unit;
    }
    return json;
}

}  // namespace

void Api::add(ApiFunction function) {
    const pool::Permanent permanent;  // the names live as long as the class of the module
    functions_.push_back(std::move(function));
    const std::size_t count = functions_.size();
    if (slots_.size() >= 2 * count) {
        put_in_slot(count - 1);
        return;
    }
    slots_.assign(std::bit_ceil(2 * count), Slot());
    for (std::size_t i = 0; i != count; ++i) {
        put_in_slot(i);
    }
}

// Does nothing for a function that has the name of an earlier one: next() finds it.
void Api::put_in_slot(std::size_t function) {
    const IndexValue name(functions_[function].name);
    if (Slot& slot = slots_[slot_of(name)]; slot.name.is_any()) {
        slot = {name, function};
    }
}

const ApiFunction* Api::next(const ApiFunction& function) const noexcept {
    const ApiFunction* const end = functions_.data() + functions_.size();
    const ApiFunction* const found =
        std::find_if(&function + 1, end,
                     [&function](const ApiFunction& other) { return other.name == function.name; });
    return found == end ? nullptr : found;
}

bool Api::set_reads(std::string_view name) noexcept {
    bool found = false;
    for (ApiFunction& function : functions_) {
        if (function.name == name) {
            function.reads = true;
            found = true;
        }
    }
    return found;
}

std::vector<std::string> Api::names() const {
    std::vector<std::string> names;
    for (const ApiFunction& function : functions_) {
        if (std::find(names.begin(), names.end(), function.name) == names.end()) {
            names.push_back(function.name);
        }
    }
    return names;
}

std::string Api::describe(std::size_t width) const {
    constexpr std::string_view indent = "    ";
    std::string text;
    for (const ApiFunction& function : functions_) {
        text += signature(function) + "\n" + std::string(indent) + function.sentence + "\n";
        if (function.parameters != nullptr && !function.parameters->settings().empty()) {
            text +=
                "\n" + indented(config::describe_text(*function.parameters, width - indent.size()),
                                indent);
        }
        if (function.result_members != nullptr && !function.result_members->settings().empty()) {
            text += "\n" + std::string(indent) + "The result:\n" +
                    indented(config::describe_text(*function.result_members, width - indent.size()),
                             indent);
        }
        text += "\n";
    }
    if (!text.empty()) {
        text.pop_back();
    }
    return text;
}

Json Api::to_json() const {
    Json json = Json::object();
    for (const ApiFunction& function : functions_) {
        Json& entry = json[function.name];
        entry["description"] = function.sentence;
        entry["parameters"] = Json::array();
        if (function.parameters != nullptr) {
            const std::shared_ptr<void> defaults = function.parameters->make();
            for (const config::Setting& parameter : function.parameters->settings()) {
                entry["parameters"].push_back(describe_parameter(parameter, defaults.get()));
            }
        }
        entry["result"] = function.result;
        if (function.is_public) {
            entry["public"] = true;
        }
        if (function.reads) {
            entry["reads"] = true;
        }
    }
    return json;
}

}  // namespace weir
