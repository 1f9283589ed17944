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

/// A name that a configuration gives somewhere, as the name of a module.
struct Name {
    std::string text;
    Position position;  ///< in the last layer that gives it
};

/// What all sources of one configuration say: files with what they include, and `--set`.
///
/// Immutable once loaded, and thus thread-safe. It is not changed by reading settings from it, so
/// a new one can be loaded and compared while the program runs by the old one.
class Configuration {
public:
    Configuration() = default;

    /// Reads all sources; see layers.h. With problems, holds what could be read.
    static Configuration load(const Sources& sources, Problems& problems);

    /// The settings of a section: "server", or "module.<name>", which takes from `module.default`
    /// what it has no value of its own for. A setting that no source gives has its default. Names
    /// that are no setting of S are left to Catalogue::check. With problems, settings that have
    /// one may have any value.
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

    /// The value at a path as the sources give it, without any defaults; nothing if none does.
    /// Objects are put together from all layers.
    std::optional<Value> value(const Path& path) const;

    /// The names directly below a path, sorted: below "module", all modules that are configured.
    std::vector<Name> names(const Path& path) const;

    /// Where the value at the path is given, in the source that counts; if it is not, what it would
    /// be in; if there is nothing at all, the last file as a whole.
    Position position(const Path& path) const { return place(path).value; }
    /// The same for the name that the value has there.
    Position name_position(const Path& path) const { return place(path).name; }

    /// Adds a problem that only a later layer can know, as an unknown event type, at the value.
    void report(const Path& path, std::string what, Problems& problems) const {
        problems.add(position(path), path, std::move(what));
    }

    /// Files that were read, in the order in which each wins over those before it.
    std::vector<std::string> files() const;

    /// What the sources say about the section at a path. The fragments refer to this configuration.
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
