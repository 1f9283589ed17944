#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/document/value.h"

namespace weir::config {

class Description;

/// Where in a JSON Schema the schema of a type will stand, so that a type that contains itself can
/// refer to the place where it is described. Used by types; see Type::schema.
class SchemaWriter {
public:
    /// `pointer` is the JSON pointer of what is written first: "#/properties/server".
    explicit SchemaWriter(std::string pointer) : pointer_(std::move(pointer)) {}
    SchemaWriter(const SchemaWriter&) = delete;
    SchemaWriter& operator=(const SchemaWriter&) = delete;

    /// Makes the writer stand deeper by one part of the pointer, as long as it lives.
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

    /// Schema of an object with the described settings, or a reference to it if that is what is
    /// being written.
    Value object(const Description& description);

    /// Whether what is written now stands in one file as a whole, as the elements of a list do.
    /// Only then can the schema demand required settings: other files may have them otherwise.
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

/// A string that is one reference to the environment, which may stand for anything: `${PORT}`.
inline constexpr const char* reference_pattern = "^\\$\\{[^}]*\\}$";
/// A string with a reference in it, which stands for some other string: `${SECONDS}s`.
inline constexpr const char* text_with_reference_pattern = "\\$\\{";

/// The JSON pointer's part for a name: '~' and '/' escaped.
std::string pointer_part(const std::string& name);

}  // namespace weir::config
