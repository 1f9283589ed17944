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

/// A place in a configuration where described settings belong.
struct Section {
    std::string path;                       ///< "server", "module.lock"
    std::vector<const Description*> parts;  ///< whose settings stand there beside each other
    bool in_use = true;                     ///< its required settings must be there
};

/// Whether a section's program part will run by this configuration, or could.
enum class Use { running, installed };

/// All sections that an app file may have: what a whole configuration is checked against, and what
/// its schema is made from.
///
/// Refers to the descriptions: sections of a plugin must not be used after it is unloaded. Const
/// use is thread-safe.
class Catalogue {
public:
    /// Adds settings at a section; several structs may share one, as a module's own settings and
    /// those that every module has. Throws std::invalid_argument if two give the same name, or for
    /// the section `module.default`, which is made from all other modules.
    template <Described S>
    void add(std::string_view section, Use use = Use::running) {
        add(section, description_of<S>(), use);
    }
    void add(std::string_view section, const Description& description, Use use = Use::running);

    /// Tells that a module exists whose settings are not at hand: `module.<name>` is not checked.
    void add_module(std::string name);

    const std::vector<Section>& sections() const { return sections_; }

    /// Reports all that is wrong with the configuration: names that nobody knows, and values that
    /// the settings must not have, in all layers.
    void check(const Configuration& configuration, Problems& problems) const;

    /// JSON Schema (draft 2020-12) of an app file, for editors. It refuses what check() refuses,
    /// but for what it cannot see: whether a duration or size written as text is in its range, what
    /// a function says about a value, a setting written twice in different ways, required settings
    /// of a section (which other files may have), and what the environment holds. It takes what
    /// check() takes, but for a list or an object from the environment.
    Value schema() const;

    /// A text for people about the settings of the section, or of all sections; see
    /// describe_text.h. "" if there is no such section.
    std::string describe(std::string_view section, std::size_t width = 100) const;
    std::string describe(std::size_t width = 100) const;

private:
    std::vector<std::string> module_names() const;
    void check_names(const Fragments& fragments, const Path& path, Reader& reader) const;
    void check_defaults(const Fragments& fragments, Reader& reader) const;

    std::vector<Section> sections_;        ///< in the order in which they were added
    std::set<std::string> known_modules_;  ///< by name, without those that have a section
};

}  // namespace weir::config
