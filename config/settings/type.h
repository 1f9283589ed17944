#pragma once

#include <string>

#include "config/document/fragments.h"
#include "config/document/value.h"
#include "config/settings/reader.h"

namespace weir::config {

class Description;
class SchemaWriter;

/// The described struct within a type, and how a path gets there: `[]` through a list, `.<name>`
/// through a map.
struct Nested {
    const Description* description = nullptr;
    std::string suffix;
    bool is_member = false;  ///< the value is the struct itself, not something that may hold some
};

/// All that is known about the values of one setting: how they are read, checked, printed and
/// described. Pointers to values are pointers to objects of the C++ type that it was made for.
///
/// Immutable, and thus thread-safe. Its code may live in a plugin: a Type, and whatever refers to
/// it, must be gone before the plugin is unloaded.
class Type {
public:
    Type() = default;
    Type(const Type&) = delete;
    Type& operator=(const Type&) = delete;
    virtual ~Type() = default;

    /// "integer", "list of durations", "string or null"
    virtual std::string name() const = 0;
    /// What the values are restricted to: "1 to 10", "fifo, priority, auto"; "" if to nothing.
    virtual std::string allowed() const { return ""; }
    /// Reads what the layers say into `value`, which keeps what they say nothing about. Reports
    /// every mistake, also in layers that others hide.
    virtual void read(const Fragments& fragments, void* value, Reader& reader) const = 0;
    /// How the value is written in a file.
    virtual Value to_json(const void* value) const = 0;
    virtual bool equal(const void* left, const void* right) const = 0;
    /// JSON Schema of the values.
    virtual Value schema(SchemaWriter& writer) const = 0;
    virtual Nested nested() const { return {}; }
};

/// "lists of integers" for "list of integers", "integers or strings" for "integer or string".
std::string plural(const std::string& type_name);

}  // namespace weir::config
