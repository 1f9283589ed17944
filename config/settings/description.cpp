#include "config/settings/description.h"

#include <algorithm>
#include <cassert>

#include "config/settings/given_setting.h"

namespace weir::config {

Fragments take_setting(NamedFragments& named, const Setting& setting) {
    Fragments result;
    const auto take_name = [&](const std::string& name) {
        const auto found = named.find(name);
        if (found == named.end()) return;
        result.insert(result.end(), found->second.begin(), found->second.end());
        named.erase(found);
    };
    take_name(setting.name);
    for (const std::string& alias : setting.aliases) take_name(alias);
    if (!setting.aliases.empty()) {
        std::stable_sort(result.begin(), result.end(), [](const Fragment& a, const Fragment& b) {
            return a.origin->order < b.origin->order;
        });
    }
    return result;
}

Value Setting::shown_value(const void* object) const {
    Value value = type->to_json(value_in(object));
    return secret && !value.is_null() ? Value("(secret)") : value;
}

Setting::Setting() = default;
Setting::Setting(const Setting&) = default;
Setting::Setting(Setting&&) noexcept = default;
Setting& Setting::operator=(const Setting&) = default;
Setting& Setting::operator=(Setting&&) noexcept = default;
Setting::~Setting() = default;

Description::Description(std::string sentence, std::vector<Setting> settings, Maker maker)
    : sentence_(std::move(sentence)), settings_(std::move(settings)), make_(std::move(maker)) {
    assert(std::ranges::all_of(
        settings_, [this](const Setting& setting) { return find(setting.name) == &setting; }));
}
Description::Description(const Description&) = default;
Description::Description(Description&&) noexcept = default;
Description::~Description() = default;

const Setting* Description::find(std::string_view name) const {
    for (const Setting& setting : settings_) {
        const auto& aliases = setting.aliases;
        if (setting.name == name ||
            std::find(aliases.begin(), aliases.end(), name) != aliases.end()) {
            return &setting;
        }
    }
    return nullptr;
}

std::vector<std::string> Description::names() const {
    std::vector<std::string> result;
    for (const Setting& setting : settings_) result.push_back(setting.name);
    return result;
}

void Description::read(const Fragments& fragments, void* object, Reader& reader,
                       Unknown unknown) const {
    for (const Fragment& fragment : fragments) {
        if (!fragment.is_object()) reader.mismatch(fragment, "an object");
    }
    const auto is_object = [](const Fragment& fragment) { return fragment.is_object(); };
    const bool can_miss =
        fragments.empty() || std::any_of(fragments.begin(), fragments.end(), is_object);
    NamedFragments named = settings_in(fragments);
    for (const Setting& setting : settings_) {
        const Fragments given = take_setting(named, setting);
        if (given.empty()) {
            if (setting.required && can_miss) reader.missing(fragments, setting.name);
            continue;
        }
        const Reader::Inside inside(reader, setting.name, setting.secret);
        setting.type->read(given, setting.value_in(object), reader);
    }
    if (unknown == Unknown::ignore) return;
    const std::vector<std::string> known = names();
    for (const auto& [name, given] : named) {
        const Reader::Inside inside(reader, name);
        for (const Fragment& fragment : given) reader.unknown(fragment, "setting", name, known);
    }
}

Value Description::to_json(const void* object) const {
    Value result = Value::object();
    for (const Setting& setting : settings_) {
        result.add(setting.name, setting.shown_value(object));
    }
    return result;
}

bool Description::equal(const void* left, const void* right) const {
    return std::all_of(settings_.begin(), settings_.end(), [&](const Setting& setting) {
        return setting.type->equal(setting.value_in(left), setting.value_in(right));
    });
}

void Description::assign(const void* from, void* to) const {
    for (const Setting& setting : settings_) {
        setting.type->assign(setting.value_in(from), setting.value_in(to));
    }
}

}  // namespace weir::config
