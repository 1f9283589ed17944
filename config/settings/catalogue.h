#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/document/path.h"
#include "config/document/problems.h"
#include "config/document/value.h"
#include "config/settings/configuration.h"
#include "config/settings/description.h"

namespace weir::config {

/// A section of a configuration, and the settings that belong there.
struct Section {
    std::string path;                       ///< "server", "module.lock"
    std::vector<const Description*> parts;  ///< the structs that share the section
    bool in_use = true;                     ///< its required settings must be given
};

/// Whether the part of the program that a section configures runs with this configuration, or is
/// only installed.
enum class Use { running, installed };

/// All sections that an app file may have. A whole configuration is checked against it, and its
/// schema is made from it.
///
/// Refers to the descriptions: sections of a plugin must not be used after it is unloaded. Const
/// use is thread-safe.
class Catalogue {
public:
    /// Adds settings to a section. Several structs may share a section, such as a module's own
    /// settings and those of every module. Throws std::invalid_argument if two structs describe the
    /// same name, and for the section `module.default`, which is made from all other modules.
    template <Described S>
    void add(std::string_view section, Use use = Use::running) {
        add(section, description_of<S>(), use);
    }
    void add(std::string_view section, const Description& description, Use use = Use::running);

    /// Adds a module whose settings are unknown: `module.<name>` is not checked.
    void add_module(std::string name);

    const std::vector<Section>& sections() const { return sections_; }

    /// Reports everything wrong with the configuration: unknown names, and values that the settings
    /// do not allow, in all layers.
    void check(const Configuration& configuration, Problems& problems) const;

    /// Returns the JSON Schema (draft 2020-12) of an app file, for editors. It rejects what check()
    /// rejects, except what a schema cannot see: the range of durations and sizes written as text,
    /// checks by functions, a setting in two notations, required settings of a section (which other
    /// files may have), and the environment. It accepts what check() accepts, except lists and
    /// objects from the environment.
    Value schema() const;

    /// Returns a readable text about the settings of the section, or of all sections; see
    /// describe_text.h. Returns "" if the section does not exist.
    std::string describe(std::string_view section, std::size_t width = 100) const;
    std::string describe(std::size_t width = 100) const;

private:
    std::vector<std::string> module_names() const;
    void check_names(const Fragments& fragments, const Path& path, Reader& reader) const;
    void check_defaults(const Fragments& fragments, Reader& reader) const;

    std::vector<Section> sections_;        // in the order in which they were added
    std::set<std::string> known_modules_;  // by name, without modules that have a section
};

}  // namespace weir::config
