#include "config/settings/scalar_type.h"

#include <algorithm>

#include "config/text/nearest_name.h"
#include "config/text/quoted.h"

namespace weir::config {

std::string shown(const Value& value, bool secret) {
    if (secret) return "the value";
    std::string text;
    if (const auto* string = value.get<std::string>()) {
        text = in_quotes(*string);
    } else {
        text = to_json(value);
    }
    if (value.substitution && !value.substitution->written.empty()) {
        text += " (from " + in_quotes(value.substitution->written) + ")";
    }
    return text;
}

std::string not_one_of(const Value& value, bool secret, const std::vector<std::string>& names) {
    std::vector<std::string> shown_names = names;
    std::ranges::replace(shown_names, "", "\"\"");
    std::string what = "is not one of " + joined(shown_names);
    if (const auto text = value.text(); text && !secret) what += did_you_mean(*text, names);
    return what;
}

std::string range_text(const std::string& low, const std::string& high) {
    if (!low.empty() && !high.empty()) return low + " to " + high;
    if (!low.empty()) return "at least " + low;
    return high.empty() ? "" : "at most " + high;
}

}  // namespace weir::config
