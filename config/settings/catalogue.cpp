#include "config/settings/catalogue.h"

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <utility>

#include "config/settings/describe_text.h"

namespace weir::config {

namespace {

constexpr std::string_view module_group = "module";
constexpr std::string_view defaults_name = "default";

// Returns the next name below `path` on the way to `section`, or "" if `section` is not below it.
std::string step_below(const Path& path, const Section& section) {
    const Path target(section.path);
    if (target.size() <= path.size() ||
        !std::equal(path.steps().begin(), path.steps().end(), target.steps().begin())) {
        return "";
    }
    return std::get<std::string>(target.steps()[path.size()]);
}

void add_once(std::vector<std::string>& names, const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

}  // namespace

void Catalogue::add(std::string_view path, const Description& description, Use use) {
    if (path == "module.default") throw std::invalid_argument("module.default is no section");
    const auto same = [&](const Section& section) { return section.path == path; };
    auto section = std::find_if(sections_.begin(), sections_.end(), same);
    if (section == sections_.end()) {
        section = sections_.insert(section, {std::string(path), {}, use == Use::running});
    }
    for (const Description* other : section->parts) {
        for (const Setting& setting : description.settings()) {
            if (!other->find(setting.name)) continue;
            throw std::invalid_argument("the setting " + section->path + "." + setting.name +
                                        " is described twice");
        }
    }
    section->parts.push_back(&description);
}

void Catalogue::add_module(std::string name) {
    if (name == defaults_name) throw std::invalid_argument("no module is called default");
    known_modules_.insert(std::move(name));
}

void Catalogue::check(const Configuration& configuration, Problems& problems) const {
    for (const Section& section : sections_) {
        for (const Description* part : section.parts) {
            configuration.read(section.path, *part, part->make().get(), problems, !section.in_use);
        }
    }
    const Configuration::SectionFragments all = configuration.section({});
    Reader reader(problems, {}, {});
    check_names(all.fragments, {}, reader);
}

// Reports names at and below `path` that lead to no section and no setting.
void Catalogue::check_names(const Fragments& fragments, const Path& path, Reader& reader) const {
    for (const Fragment& fragment : fragments) {
        if (!fragment.is_object()) reader.mismatch(fragment, "an object");
    }
    const bool is_root = path.empty();
    const bool is_module_group = path.size() == 1 && path.text() == module_group;
    const auto own = std::find_if(sections_.begin(), sections_.end(), [&](const Section& section) {
        return Path(section.path).steps() == path.steps();
    });
    std::vector<std::string> below, known;
    for (const Section& section : sections_) {
        if (const std::string step = step_below(path, section); !step.empty()) {
            add_once(below, step);
        }
    }
    known = is_module_group ? module_names() : below;
    if (own != sections_.end()) {
        for (const Description* part : own->parts) {
            for (const std::string& name : part->names()) known.push_back(name);
        }
    }
    for (const auto& [name, given] : settings_in(fragments)) {
        const Reader::Inside inside(reader, name);
        // `"module": {}` is right even if no module is known.
        if (std::find(below.begin(), below.end(), name) != below.end() ||
            (is_root && name == module_group)) {
            Path deeper = path;
            deeper.push(name);
            check_names(given, deeper, reader);
            continue;
        }
        if (is_module_group && name == defaults_name) {
            check_defaults(given, reader);
            continue;
        }
        const bool is_setting =
            own != sections_.end() && std::any_of(own->parts.begin(), own->parts.end(),
                                                  [&, &setting = name](const Description* part) {
                                                      return part->find(setting);
                                                  });
        if (is_setting || (is_module_group && known_modules_.contains(std::string(name)))) continue;
        const char* kind = is_root ? "section" : is_module_group ? "module" : "setting";
        for (const Fragment& fragment : given) reader.unknown(fragment, kind, name, known);
    }
}

// Reports names in `module.default` that no module has.
void Catalogue::check_defaults(const Fragments& fragments, Reader& reader) const {
    for (const Fragment& fragment : fragments) {
        if (!fragment.is_object()) reader.mismatch(fragment, "an object");
    }
    std::vector<const Description*> parts;
    std::vector<std::string> known;
    for (const Section& section : sections_) {
        if (Path(section.path).size() != 2 || step_below(module_group, section).empty()) continue;
        for (const Description* part : section.parts) {
            parts.push_back(part);
            for (const std::string& name : part->names()) add_once(known, name);
        }
    }
    // A module with unknown settings may have this setting.
    if (!known_modules_.empty()) return;
    for (const auto& [name, given] : settings_in(fragments)) {
        const Reader::Inside inside(reader, name);
        if (std::any_of(parts.begin(), parts.end(), [&, &setting = name](const Description* part) {
                return part->find(setting);
            })) {
            continue;
        }
        for (const Fragment& fragment : given) reader.unknown(fragment, "setting", name, known);
    }
}

std::vector<std::string> Catalogue::module_names() const {
    std::vector<std::string> names;
    for (const Section& section : sections_) {
        if (const std::string step = step_below(module_group, section); !step.empty()) {
            add_once(names, step);
        }
    }
    for (const std::string& name : known_modules_) add_once(names, name);
    return names;
}

std::string Catalogue::describe(std::string_view path, std::size_t width) const {
    std::string text;
    for (const Section& section : sections_) {
        if (section.path != path) continue;
        for (const Description* part : section.parts) {
            if (!text.empty()) text += "\n";
            text += section.path + ": " + part->sentence() + "\n\n";
            text += describe_text(*part, width);
        }
    }
    return text;
}

std::string Catalogue::describe(std::size_t width) const {
    std::string text;
    for (const Section& section : sections_) {
        if (!text.empty()) text += "\n";
        text += describe(section.path, width);
    }
    return text;
}

}  // namespace weir::config
