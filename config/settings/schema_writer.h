#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/document/value.h"

namespace weir::config {

class Description;

/// The current position in a JSON Schema that is being written, so that a type that contains itself
/// can refer to its own schema. Used by types; see Type::schema(). Not thread-safe.
class SchemaWriter {
public:
    /// `pointer` is the JSON pointer of the schema that is written first: "#/properties/server".
    explicit SchemaWriter(std::string pointer) : pointer_(std::move(pointer)) {}
    SchemaWriter(const SchemaWriter&) = delete;
    SchemaWriter& operator=(const SchemaWriter&) = delete;

    /// Moves the writer one part of the pointer deeper while it lives.
    class Inside {
    public:
        Inside(SchemaWriter& writer, const std::string& part);
        Inside(const Inside&) = delete;
        Inside& operator=(const Inside&) = delete;
        ~Inside() { writer_.pointer_.resize(length_); }

    private:
        SchemaWriter& writer_;
        std::size_t length_;
    };

    /// Returns the schema of an object with the described settings, or a reference if that schema
    /// is being written already.
    Value object(const Description& description);

    /// Returns whether the current value is always complete in one file, like the elements of a
    /// list. Only then can the schema demand required settings, because other files may contain
    /// them otherwise.
    bool complete() const { return complete_; }
    void set_complete(bool complete) { complete_ = complete; }

private:
    struct Open {
        const Description* description;
        std::string pointer;
    };

    std::string pointer_;
    std::vector<Open> open_;
    bool complete_ = false;
};

/// A string that is a single reference to the environment, which may stand for any value:
/// `${PORT}`.
inline constexpr const char* reference_pattern = "^\\$\\{[^}]*\\}$";
/// A string with a reference in it, which stands for another string: `${SECONDS}s`.
inline constexpr const char* text_with_reference_pattern = "\\$\\{";

/// Returns the JSON pointer's part for a name, with '~' and '/' escaped.
std::string pointer_part(const std::string& name);

}  // namespace weir::config
