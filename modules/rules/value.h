#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "modules/system/call/json.h"

// Values that the steps of a rule make from the event and from the results of earlier steps.
namespace weir::rules {

// What a run of a rule knows: one value for each name, by the slot that compile() has given the
// name. The first are the event, and the time at which the run began, as text. A value that is not
// known, because nothing is really done, is `discarded`, as nlohmann calls it.
using Frame = std::vector<Json>;
inline constexpr std::size_t event_slot = 0;
inline constexpr std::size_t now_slot = 1;
inline constexpr std::size_t first_free_slot = 2;

// The code of the error of a step that refers to a value that is not there.
inline constexpr std::string_view no_value = "no_value";

inline Json unknown_value() {
    return Json(Json::value_t::discarded);
}

// A reference to a value: `event.customer`, `stock.shelves.0.left`.
struct Reference {
    std::size_t slot = 0;
    std::vector<std::string> path;  // names of members, or positions in lists
    std::string text;               // as written

    // Returns the value; null if there is none, or it is not known.
    const Json* find(const Frame& frame) const noexcept;
    // Returns whether find() tells.
    bool known(const Frame& frame) const noexcept { return !frame[slot].is_discarded(); }
};

// A JSON value with references in it: "{{event.customer}}" keeps the type of the value, and
// "{{event.customer}} has ordered" is a text. "\{{" is written for "{{" without a meaning.
class Template {
public:
    using Text = std::vector<std::variant<std::string, Reference>>;
    using List = std::vector<Template>;
    using Object = std::vector<std::pair<std::string, Template>>;
    using Content = std::variant<Json, Reference, Text, List, Object>;

    Template() : content_(Json()) {}
    explicit Template(Content content) : content_(std::move(content)) {}

    const Content& content() const noexcept { return content_; }
    // Returns the value if it has no references; null otherwise.
    const Json* constant() const noexcept { return std::get_if<Json>(&content_); }
    // Returns the reference if it is one; null otherwise.
    const Reference* reference() const noexcept { return std::get_if<Reference>(&content_); }

    // Returns the value. Throws ApiException with `no_value` if a reference has none. What is not
    // known stands in it as it is written.
    Json make(const Frame& frame) const;
    // Returns the value as text: a string as it is, other values as JSON.
    std::string text(const Frame& frame) const;
    // Returns whether all values to which it refers are known.
    bool known(const Frame& frame) const noexcept;

private:
    Content content_;
};

// Returns a string as it is, other values as JSON.
std::string text_of(const Json& value);

// Splits a text into its literal parts and what stands between "{{" and "}}", trimmed. Returns what
// is wrong with the text; "" if nothing is.
struct TextPart {
    std::string text;
    bool is_reference = false;
};
std::string split_text(std::string_view text, std::vector<TextPart>& parts);

}  // namespace weir::rules
