#include "config/settings/effective.h"

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

#include "config/document/problems.h"
#include "config/settings/given_setting.h"

namespace weir::config {

namespace {

// Adds the names of the variables in "${HOST:-localhost}:${PORT}". What a variable is replaced by
// if it is not set may be secret.
void add_names_in(std::vector<std::string>& names, std::string_view written) {
    for (std::size_t at = written.find('$'); at < written.size(); at = written.find('$', at)) {
        const bool is_reference = written.substr(at).starts_with("${");
        at += written.substr(at).starts_with("$$") || is_reference ? 2 : 1;
        if (!is_reference) continue;
        const std::string name(written.substr(at, written.find_first_of(":}", at) - at));
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
}

void add_variables(std::vector<std::string>& names, const Value& value) {
    if (value.substitution) add_names_in(names, value.substitution->written);
    if (const auto* list = value.get<Value::List>()) {
        for (const Value& element : *list) add_variables(names, element);
    } else if (const auto* object = value.get<Value::Object>()) {
        for (const Member& member : *object) add_variables(names, member.value);
    }
}

class Walk {
public:
    std::vector<EffectiveSetting> settings;

    void add(const Description& description, const void* object, const Fragments& fragments,
             const Path& path) {
        NamedFragments named = settings_in(fragments);
        for (const Setting& setting : description.settings()) {
            Path own = path;
            own.push(setting.name);
            const Fragments given = take_setting(named, setting);
            const Nested nested = setting.type->nested();
            if (nested.is_member && !setting.secret) {
                add(*nested.description, setting.value_in(object), given, own);
            } else if (nested.suffix.starts_with(".<name>") && !setting.secret) {
                add_map(setting.shown_value(object), nested, given, own);
            } else {
                add_one(setting.shown_value(object), given, own);
            }
        }
    }

private:
    void add_map(const Value& value, const Nested& nested, const Fragments& fragments,
                 const Path& path) {
        const auto* entries = value.get<Value::Object>();
        if (entries == nullptr || entries->empty()) {
            add_one(value, fragments, path);
            return;
        }
        const NamedFragments named = entries_in(fragments);
        for (const Member& entry : *entries) {
            Path own = path;
            own.push(entry.name);
            const auto found = named.find(entry.name);
            const Fragments given = found == named.end() ? Fragments() : found->second;
            if (nested.description && nested.suffix == ".<name>") {
                add_members(entry.value, *nested.description, given, own);
            } else {
                add_one(entry.value, given, own);
            }
        }
    }

    // A struct that is an entry of a map, whose value is at hand as JSON alone.
    void add_members(const Value& value, const Description& description, const Fragments& fragments,
                     const Path& path) {
        NamedFragments named = settings_in(fragments);
        for (const Setting& setting : description.settings()) {
            Path own = path;
            own.push(setting.name);
            const Fragments given = take_setting(named, setting);
            if (const Value* member = value.find(setting.name)) add_one(*member, given, own);
        }
    }

    // The last layer that gives a value wins; of an object, whichever gives a part of it.
    void add_one(Value value, const Fragments& fragments, const Path& path) {
        EffectiveSetting made{path.text(), std::move(value), {}, {}};
        if (!fragments.empty()) {
            made.position = fragments.back().value->position;
            add_variables(made.variables, *fragments.back().value);
        }
        settings.push_back(std::move(made));
    }
};

}  // namespace

std::vector<EffectiveSetting> effective_settings(const Configuration& configuration,
                                                 std::string_view section,
                                                 const Description& description) {
    Problems problems;  // reported before
    const std::shared_ptr<void> object = description.make();
    configuration.read(section, description, object.get(), problems, true);
    const Configuration::SectionFragments given = configuration.section(Path(section));
    Walk walk;
    walk.add(description, object.get(), given.fragments, Path(section));
    return std::move(walk.settings);
}

}  // namespace weir::config
