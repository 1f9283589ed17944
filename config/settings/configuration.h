#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/document/fragments.h"
#include "config/document/layers.h"
#include "config/document/path.h"
#include "config/document/problems.h"
#include "config/document/value.h"
#include "config/settings/description.h"

namespace weir::config {

/// A name that a configuration gives, such as the name of a module.
struct Name {
    std::string text;
    Position position;  ///< in the last layer that gives it
};

/// The content of all sources of one configuration: files with their includes, and `--set`.
///
/// Immutable once loaded, and thus thread-safe. Reading settings does not change it, so that a
/// program can load a new configuration and compare the two while it runs with the old one.
class Configuration {
public:
    Configuration() = default;

    /// Reads all sources; see layers.h. If there are problems, contains what could be read.
    static Configuration load(const Sources& sources, Problems& problems);

    /// Returns the settings of a section: "server", or "module.<name>", which takes values that it
    /// lacks from `module.default`. A setting that no source gives has its default.
    /// Catalogue::check() reports names that are no setting of S. Settings with a problem may have
    /// any value.
    template <Described S>
    S read(std::string_view section, Problems& problems) const {
        S result{};
        read(section, description_of<S>(), &result, problems);
        return result;
    }
    /// The same into an object of the described struct. With `may_miss`, required settings of the
    /// section may be missing.
    void read(std::string_view section, const Description& description, void* object,
              Problems& problems, bool may_miss = false) const;

    /// Returns the same configuration with a value at a path that wins over what all sources give,
    /// as a `--set` would. Messages call it by the name of its `source`, which is no file.
    Configuration with(std::string path, Value value, const std::string& source) const;

    /// Returns the value at a path as the sources give it, without defaults, or nothing if none
    /// gives it. Merges the objects of all layers.
    std::optional<Value> value(const Path& path) const;

    /// Returns the names directly below a path, sorted: below "module", all configured modules.
    std::vector<Name> names(const Path& path) const;

    /// Returns where the winning source gives the value at the path. If no source gives it, returns
    /// the position of the object that would contain it, or else of the last file as a whole.
    Position position(const Path& path) const { return place(path).value; }
    /// The same for the value's name.
    Position name_position(const Path& path) const { return place(path).name; }

    /// Reports a problem at the value that only a later stage can find, such as an unknown event
    /// type.
    void report(const Path& path, std::string what, Problems& problems) const {
        problems.add(position(path), path, std::move(what));
    }

    /// Returns the files that were read, in rising order: each wins over those before it.
    std::vector<std::string> files() const;

    /// The fragments of a section. They refer to the configuration.
    struct SectionFragments {
        std::vector<std::unique_ptr<const Origin>> origins;
        Fragments fragments;
    };
    SectionFragments section(const Path& path) const;

private:
    struct Place {
        Position value;
        Position name;
    };

    void append(SectionFragments& section, const Path& base) const;
    Place place(const Path& path) const;

    std::vector<Layer> layers_;
};

}  // namespace weir::config
