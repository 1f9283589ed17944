#include "config/settings/description.h"

#include <algorithm>
#include <cstdlib>
#include <set>
#include <stdexcept>

#include <cxxabi.h>

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
    : sentence_(std::move(sentence)), settings_(std::move(settings)), make_(std::move(maker)) {}
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

// --- mistakes of an author

namespace {

std::string struct_name(const std::type_info& of) {
    int status = 0;
    const std::unique_ptr<char, decltype(&std::free)> name(
        abi::__cxa_demangle(of.name(), nullptr, nullptr, &status), &std::free);
    return name != nullptr ? name.get() : of.name();
}

void describe_structs_in(const Description& description, std::set<const Description*>& known) {
    if (!known.insert(&description).second) {
        return;
    }
    for (const Setting& setting : description.settings()) {
        if (const Description* const nested = setting.type->nested().description) {
            describe_structs_in(*nested, known);
        }
    }
}

}  // namespace

void refuse_struct(const std::type_info& of, const std::string& why) {
    throw std::logic_error("the struct '" + struct_name(of) + "' " + why);
}

std::string fault_in_names(const std::vector<Setting>& settings) {
    std::set<std::string_view> names;
    const auto fault = [&names](const std::string& name) {
        if (name.empty()) {
            return std::string("describes a member without a name");
        }
        return names.insert(name).second ? std::string() : "describes '" + name + "' twice";
    };
    for (const Setting& setting : settings) {
        std::string found = fault(setting.name);
        for (auto alias = setting.aliases.begin(); found.empty() && alias != setting.aliases.end();
             ++alias) {
            found = fault(*alias);
        }
        if (!found.empty()) {
            return found;
        }
    }
    return "";
}

void describe_nested(const Description& description) {
    std::set<const Description*> known;
    describe_structs_in(description, known);
}

}  // namespace weir::config
