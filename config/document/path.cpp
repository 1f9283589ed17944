#include "config/document/path.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "config/text/quoted.h"

namespace weir::config {

namespace {

bool is_plain(char character) {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           (character >= '0' && character <= '9') || character == '_' || character == '-' ||
           character == '$';
}

// Reads `[12]` or `["name"]` at the beginning of `text` and removes it from `text`.
std::optional<Path::Step> bracket_step(std::string_view& text) {
    if (text.substr(0, 2) == "[\"") {
        std::string name;
        for (std::size_t i = 2; i + 1 < text.size(); ++i) {
            if (text[i] == '"' && text[i + 1] == ']') {
                text.remove_prefix(i + 2);
                return name;
            }
            if (text[i] == '\\') ++i;
            name += text[i];
        }
        return std::nullopt;
    }
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    std::size_t index = 0;
    const auto [stopped, error] = std::from_chars(text.data() + 1, text.data() + end, index);
    if (error != std::errc() || stopped != text.data() + end) return std::nullopt;
    text.remove_prefix(end + 1);
    return index;
}

}  // namespace

Path::Path(std::string_view text) {
    while (!text.empty()) {
        if (text.front() == '[') {
            if (std::optional<Step> step = bracket_step(text)) {
                steps_.push_back(std::move(*step));
                if (!text.empty() && text.front() == '.') text.remove_prefix(1);
                continue;
            }
        }
        const std::size_t end = std::min(text.find_first_of(".[", 1), text.size());
        push(text.substr(0, end));
        text.remove_prefix(end);
        if (!text.empty() && text.front() == '.') text.remove_prefix(1);
    }
}

Path Path::operator/(const Path& rest) const {
    Path result = *this;
    result.steps_.insert(result.steps_.end(), rest.steps_.begin(), rest.steps_.end());
    return result;
}

std::string Path::text() const {
    std::string result;
    for (const Step& step : steps_) {
        if (const auto* index = std::get_if<std::size_t>(&step)) {
            result += '[';
            result += std::to_string(*index);
            result += ']';
            continue;
        }
        const std::string& name = std::get<std::string>(step);
        if (name.empty() || name.size() > shown_characters ||
            !std::all_of(name.begin(), name.end(), is_plain)) {
            result += '[';
            result += in_quotes(name);
            result += ']';
        } else {
            if (!result.empty()) result += '.';
            result += name;
        }
    }
    return result;
}

}  // namespace weir::config
