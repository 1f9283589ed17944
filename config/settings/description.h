#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <typeinfo>
#include <utility>
#include <vector>

#include "config/settings/schema_writer.h"
#include "config/settings/type.h"

namespace weir::config {

/// One setting: all that is known about it, and which member of a struct holds it.
struct Setting {
    std::string name;
    std::vector<std::string> aliases;  ///< further names that files may use
    std::string sentence;              ///< its purpose, without a full stop
    std::string unit;                  ///< "events", "bytes per second"; "" if none
    bool required = false;             ///< it has no default
    bool fixed = false;                ///< it cannot change while the program runs
    bool secret = false;               ///< its value must not be shown
    std::shared_ptr<const Type> type;  ///< shared by copies of the setting
    std::ptrdiff_t offset = 0;         ///< of the member in the struct

    Setting();
    Setting(const Setting&);
    Setting(Setting&&) noexcept;
    Setting& operator=(const Setting&);
    Setting& operator=(Setting&&) noexcept;
    ~Setting();

    /// Returns the member that holds the setting.
    void* value_in(void* object) const { return static_cast<char*>(object) + offset; }
    const void* value_in(const void* object) const {
        return static_cast<const char*>(object) + offset;
    }
    /// Returns the value as in a file, or "(secret)" if it is secret and not null.
    Value shown_value(const void* object) const;
};

/// What Description::read() does with names that it does not know.
enum class Unknown { report, ignore };

/// Describes a struct: its settings, in the order in which a page lists them.
///
/// Immutable, and thus thread-safe. settings() makes it, see settings.h. A description from a
/// plugin must not be used after the plugin is unloaded.
class Description {
public:
    /// Makes a struct with its defaults.
    using Maker = std::function<std::shared_ptr<void>()>;

    Description(std::string sentence, std::vector<Setting> settings, Maker maker);
    Description(const Description&);
    Description(Description&&) noexcept;
    ~Description();

    const std::string& sentence() const { return sentence_; }
    const std::vector<Setting>& settings() const { return settings_; }

    /// Returns the setting of that name or alias, or null.
    const Setting* find(std::string_view name) const;
    /// Returns the names of all settings, without aliases.
    std::vector<std::string> names() const;

    /// Returns a new struct with its defaults. The caller owns it.
    std::shared_ptr<void> make() const { return make_(); }

    /// Reads the settings from the layers into the struct `object`. Settings that no layer gives
    /// keep their values.
    void read(const Fragments& fragments, void* object, Reader& reader,
              Unknown unknown = Unknown::report) const;

    /// Returns the settings as in a file, with "(secret)" for secret values.
    Value to_json(const void* object) const;
    bool equal(const void* left, const void* right) const;
    /// Gives the struct `to` the settings of `from`.
    void assign(const void* from, void* to) const;

private:
    std::string sentence_;
    std::vector<Setting> settings_;
    Maker make_;
};

/// Returns what is wrong with the names and aliases: "describes 'size' twice"; "" if nothing is.
std::string fault_in_names(const std::vector<Setting>& settings);
/// Throws std::logic_error: says that the struct is described wrongly, and why.
[[noreturn]] void refuse_struct(const std::type_info& of, const std::string& why);
/// Makes the descriptions of all structs within the described one. Throws what is wrong in them,
/// which would be noticed at their first use otherwise.
void describe_nested(const Description& description);

/// The Description of the struct S, with its type.
template <class S>
class Settings : public Description {
public:
    using Description::Description;
};

/// A struct that describes its settings in a static function `Settings<S> describe()`.
template <class S>
concept Described = requires {
    { S::describe() } -> std::same_as<Settings<S>>;
};

/// Returns the description of a struct. Made at first use. Thread-safe.
template <Described S>
const Description& description_of() {
    static const Settings<S> description = S::describe();
    return description;
}

/// A described struct as the type of a setting of another struct.
template <class S>
class StructType : public Type {
public:
    std::string name() const override { return "object"; }
    void read(const Fragments& fragments, void* value, Reader& reader) const override {
        if (reader.too_deep(fragments)) return;
        description_of<S>().read(fragments, value, reader);
    }
    Value to_json(const void* value) const override { return description_of<S>().to_json(value); }
    bool equal(const void* left, const void* right) const override {
        return description_of<S>().equal(left, right);
    }
    void assign(const void* from, void* to) const override { description_of<S>().assign(from, to); }
    Value schema(SchemaWriter& writer) const override { return writer.object(description_of<S>()); }
    Nested nested() const override { return {&description_of<S>(), "", true}; }
};

}  // namespace weir::config
