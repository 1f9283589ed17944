#include "apps/weir/page.h"

#include <algorithm>
#include <optional>

#include "apps/weir/standard_files.h"
#include "config/text/utf8.h"

namespace weir::app {

namespace {

constexpr std::size_t widest = 100;
constexpr std::size_t narrowest = 20;

std::string broken_line(std::string_view line, std::size_t width, std::size_t indent) {
    std::string text;
    std::string current(line.substr(0, std::min(line.find_first_not_of(' '), line.size())));
    line.remove_prefix(current.size());
    bool has_word = false;
    while (!line.empty()) {
        // Blanks before a word, as between columns, stay on the line if the word does.
        const std::size_t begin = std::min(line.find_first_not_of(' '), line.size());
        const std::size_t end = std::min(line.find(' ', begin), line.size());
        const std::string_view word = line.substr(0, end);
        line.remove_prefix(end);
        if (has_word && config::utf8_count(current) + config::utf8_count(word) > width) {
            text += current + '\n';
            current = std::string(indent, ' ');
            current += word.substr(begin);
        } else {
            current += word;
        }
        has_word = true;
    }
    return text + current;
}

std::string broken(std::string_view text, std::size_t width, std::optional<std::size_t> indent) {
    std::string result;
    while (true) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        const std::size_t own_indent = std::min(line.find_first_not_of(' '), line.size());
        result += config::utf8_count(line) <= width
                      ? std::string(line)
                      : broken_line(line, width, indent.value_or(own_indent + 2));
        if (end == text.size()) {
            return result;
        }
        result += '\n';
        text.remove_prefix(end + 1);
    }
}

}  // namespace

std::size_t page_width() {
    return std::clamp<std::size_t>(output_width(widest), narrowest, widest);
}

std::string broken_text(std::string_view text, std::size_t width, std::size_t indent) {
    return broken(text, width, indent);
}

std::string broken_text(std::string_view text, std::size_t width) {
    return broken(text, width, std::nullopt);
}

}  // namespace weir::app
