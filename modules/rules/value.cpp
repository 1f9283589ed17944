#include "modules/rules/value.h"

#include <algorithm>
#include <charconv>

#include "modules/system/call/api_error.h"
#include "modules/system/call/json_writer.h"

namespace weir::rules {

namespace {

constexpr std::string_view opening = "{{";
constexpr std::string_view closing = "}}";

const Json* member_of(const Json& value, const std::string& name) noexcept {
    if (value.is_object()) {
        const auto found = value.find(name);
        return found == value.end() ? nullptr : &*found;
    }
    if (value.is_array()) {
        std::size_t position = 0;
        const char* const end = name.data() + name.size();
        const auto [stop, error] = std::from_chars(name.data(), end, position);
        if (error == std::errc() && stop == end && position < value.size()) {
            return &value[position];
        }
    }
    return nullptr;
}

Json value_at(const Reference& reference, const Frame& frame) {
    if (!reference.known(frame)) {
        return "{{" + reference.text + "}}";
    }
    const Json* const found = reference.find(frame);
    if (found == nullptr) {
        throw ApiException(no_value, "{{" + reference.text + "}} has no value");
    }
    return *found;
}

template <class... F>
struct Overloaded : F... {
    using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

std::string_view trimmed(std::string_view text) noexcept {
    const std::size_t begin = text.find_first_not_of(' ');
    if (begin == std::string_view::npos) {
        return {};
    }
    return text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

void add_text(std::vector<TextPart>& parts, std::string_view text) {
    if (parts.empty() || parts.back().is_reference) {
        parts.push_back({});
    }
    parts.back().text += text;
}

}  // namespace

const Json* Reference::find(const Frame& frame) const noexcept {
    const Json* found = &frame[slot];
    if (found->is_discarded()) {
        return nullptr;
    }
    for (const std::string& name : path) {
        found = member_of(*found, name);
        if (found == nullptr) {
            return nullptr;
        }
    }
    return found;
}

std::string text_of(const Json& value) {
    return value.is_string() ? value.get_ref<const std::string&>() : json_text(value);
}

Json Template::make(const Frame& frame) const {
    return std::visit(
        Overloaded{[](const Json& constant) { return constant; },
                   [&](const Reference& reference) { return value_at(reference, frame); },
                   [&](const Text&) { return Json(text(frame)); },
                   [&](const List& list) {
                       Json made = Json::array();
                       for (const Template& element : list) {
                           made.push_back(element.make(frame));
                       }
                       return made;
                   },
                   [&](const Object& object) {
                       Json made = Json::object();
                       for (const auto& [name, member] : object) {
                           made[name] = member.make(frame);
                       }
                       return made;
                   }},
        content_);
}

std::string Template::text(const Frame& frame) const {
    const Text* const parts = std::get_if<Text>(&content_);
    if (parts == nullptr) {
        return text_of(make(frame));
    }
    std::string made;
    for (const auto& part : *parts) {
        if (const auto* literal = std::get_if<std::string>(&part)) {
            made += *literal;
        } else {
            made += text_of(value_at(std::get<Reference>(part), frame));
        }
    }
    return made;
}

bool Template::known(const Frame& frame) const noexcept {
    return std::visit(Overloaded{[](const Json&) { return true; },
                                 [&](const Reference& reference) { return reference.known(frame); },
                                 [&](const Text& parts) {
                                     return std::ranges::all_of(parts, [&](const auto& part) {
                                         const auto* reference = std::get_if<Reference>(&part);
                                         return reference == nullptr || reference->known(frame);
                                     });
                                 },
                                 [&](const List& list) {
                                     return std::ranges::all_of(list, [&](const Template& element) {
                                         return element.known(frame);
                                     });
                                 },
                                 [&](const Object& object) {
                                     return std::ranges::all_of(object, [&](const auto& member) {
                                         return member.second.known(frame);
                                     });
                                 }},
                      content_);
}

std::string split_text(std::string_view text, std::vector<TextPart>& parts) {
    while (!text.empty()) {
        const std::size_t begin = text.find(opening);
        if (begin == std::string_view::npos) {
            add_text(parts, text);
            return "";
        }
        if (begin != 0 && text[begin - 1] == '\\') {
            add_text(parts, text.substr(0, begin - 1));
            add_text(parts, opening);
            text.remove_prefix(begin + opening.size());
            continue;
        }
        if (begin != 0) {
            add_text(parts, text.substr(0, begin));
        }
        text.remove_prefix(begin + opening.size());
        const std::size_t end = text.find(closing);
        if (end == std::string_view::npos) {
            return "'{{' has no '}}'; write \\{{ if it is meant literally";
        }
        const std::string_view inside = trimmed(text.substr(0, end));
        if (inside.empty()) {
            return "there is nothing between '{{' and '}}'";
        }
        parts.push_back({std::string(inside), true});
        text.remove_prefix(end + closing.size());
    }
    return "";
}

}  // namespace weir::rules
