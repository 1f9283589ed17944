#include "config/document/fragments.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

namespace weir::config {

namespace {

struct SplitName {
    std::string_view first;
    std::string_view rest;
};

// Splits at the first dot that has characters on both sides.
SplitName split(std::string_view name) {
    const std::size_t dot = name.empty() ? name.npos : name.find('.', 1);
    if (dot == name.npos || dot + 1 == name.size()) return {name, {}};
    return {name.substr(0, dot), name.substr(dot + 1)};
}

// Returns the part of the dotted `name` behind `first`: "" if they are equal, nothing if `name`
// does not begin with `first`.
std::optional<std::string_view> behind(std::string_view name, std::string_view first) {
    if (name == first) return std::string_view();
    if (name.size() <= first.size() + 1 || name.substr(0, first.size()) != first ||
        name[first.size()] != '.') {
        return std::nullopt;
    }
    return name.substr(first.size() + 1);
}

bool failed_inside(const Value& value) {
    if (value.substitution && value.substitution->failed) return true;
    if (const auto* list = value.get<Value::List>()) {
        return std::any_of(list->begin(), list->end(),
                           [](const Value& element) { return failed_inside(element); });
    }
    const auto* members = value.get<Value::Object>();
    return members && std::any_of(members->begin(), members->end(),
                                  [](const Member& member) { return failed_inside(member.value); });
}

Fragments find(const Fragments& fragments, const std::string& name) {
    Fragments result;
    for (const Fragment& fragment : fragments) {
        if (!fragment.rest.empty()) {
            if (const auto rest = behind(fragment.rest, name)) {
                result.push_back({fragment.value, fragment.name_position, *rest, fragment.origin});
            }
        } else if (const auto* members = fragment.value->get<Value::Object>()) {
            for (const Member& member : *members) {
                if (const auto rest = behind(member.name, name)) {
                    result.push_back({&member.value, &member.position, *rest, fragment.origin});
                }
            }
        }
    }
    return result;
}

Fragments find(const Fragments& fragments, std::size_t index) {
    for (auto fragment = fragments.rbegin(); fragment != fragments.rend(); ++fragment) {
        const Value* value = fragment->plain();
        const auto* list = value ? value->get<Value::List>() : nullptr;
        if (!list) continue;
        if (index >= list->size()) break;
        const Value& element = (*list)[index];
        return {{&element, &element.position, {}, fragment->origin}};
    }
    return {};
}

}  // namespace

bool Fragment::failed_inside() const {
    return weir::config::failed_inside(*value);
}

NamedFragments settings_in(const Fragments& fragments) {
    NamedFragments result;
    for (const Fragment& fragment : fragments) {
        const auto add = [&](std::string_view name, const Value& value, const Position& position) {
            const auto [first, rest] = split(name);
            result[first].push_back({&value, &position, rest, fragment.origin});
        };
        if (!fragment.rest.empty()) {
            add(fragment.rest, *fragment.value, *fragment.name_position);
        } else if (const auto* members = fragment.value->get<Value::Object>()) {
            for (const Member& member : *members) add(member.name, member.value, member.position);
        }
    }
    return result;
}

NamedFragments entries_in(const Fragments& fragments) {
    NamedFragments result;
    for (const Fragment& fragment : fragments) {
        if (!fragment.rest.empty()) {
            const auto [first, rest] = split(fragment.rest);
            result[first].push_back(
                {fragment.value, fragment.name_position, rest, fragment.origin});
        } else if (const auto* members = fragment.value->get<Value::Object>()) {
            for (const Member& member : *members) {
                result[member.name].push_back(
                    {&member.value, &member.position, {}, fragment.origin});
            }
        }
    }
    return result;
}

Fragments find(const Fragments& fragments, const Path& path) {
    Fragments result = fragments;
    for (const Path::Step& step : path.steps()) {
        result = std::visit([&](const auto& key) { return find(result, key); }, step);
    }
    return result;
}

std::optional<Value> merged(const Fragments& fragments) {
    if (fragments.empty()) return std::nullopt;
    const Fragment& last = fragments.back();
    if (!last.is_object()) return *last.value;
    Value result = Value::object();
    result.position = last.value->position;
    // A value that is not an object replaces all that lower layers say.
    Fragments objects;
    for (const Fragment& fragment : fragments) {
        if (!fragment.is_object()) objects.clear();
        objects.push_back(fragment);
    }
    for (const auto& [name, entries] : entries_in(objects)) {
        result.get<Value::Object>()->push_back(
            {std::string(name), *entries.back().name_position, *merged(entries)});
    }
    return result;
}

}  // namespace weir::config
