#pragma once

#include <string>

#include "config/document/fragments.h"
#include "config/document/value.h"
#include "config/settings/reader.h"

namespace weir::config {

class Description;
class SchemaWriter;

/// The described struct within a type, and the path to it: `[]` through a list, `.<name>` through a
/// map.
struct Nested {
    const Description* description = nullptr;
    std::string suffix;
    bool is_member = false;  ///< the value is the struct itself, not a container of structs
};

/// How the values of a setting are read, checked, printed and described. Pointers to values must
/// point to objects of the C++ type that the Type was made for.
///
/// Immutable, and thus thread-safe. Its code may live in a plugin: a Type, and all objects that
/// refer to it, must be destroyed before the plugin is unloaded.
class Type {
public:
    Type() = default;
    Type(const Type&) = delete;
    Type& operator=(const Type&) = delete;
    virtual ~Type() = default;

    /// Returns "integer", "list of durations", "string or null".
    virtual std::string name() const = 0;
    /// Returns the allowed values: "1 to 10", "fifo, priority, auto", or "" if all are.
    virtual std::string allowed() const { return ""; }
    /// Reads the fragments into `value`. Parts that no layer gives keep their values. Reports every
    /// mistake, also in layers that a later layer hides.
    virtual void read(const Fragments& fragments, void* value, Reader& reader) const = 0;
    /// Reads a scalar or null that came alone, from no layer. Returns false if it is not of this
    /// type or not allowed, or if the type has no such short way: read() decides then, and says
    /// what is wrong.
    virtual bool read_scalar(const Value& scalar, void* value) const {
        (void)scalar, (void)value;
        return false;
    }
    /// Returns the value as in a file.
    virtual Value to_json(const void* value) const = 0;
    virtual bool equal(const void* left, const void* right) const = 0;
    /// Makes the value `to` equal to `from`.
    virtual void assign(const void* from, void* to) const = 0;
    /// Returns the JSON Schema of the values.
    virtual Value schema(SchemaWriter& writer) const = 0;
    virtual Nested nested() const { return {}; }
};

/// Returns "lists of integers" for "list of integers", "integers or strings" for "integer or
/// string".
std::string plural(const std::string& type_name);

}  // namespace weir::config
