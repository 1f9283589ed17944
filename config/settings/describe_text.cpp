#include "config/settings/describe_text.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>
#include <vector>

#include "config/text/utf8.h"

namespace weir::config {

namespace {

constexpr std::size_t column_count = 6;
constexpr std::size_t sentence_column = column_count - 1;
constexpr std::size_t least_sentence_width = 24;
constexpr std::string_view gap = "  ";

using Row = std::array<std::string, column_count>;

std::string default_text(const Setting& setting, const void* object) {
    if (setting.required) return "required";
    const Value value = setting.shown_value(object);
    return setting.secret && value.is_string() ? *value.get<std::string>() : to_json(value);
}

std::string sentence(const Setting& setting) {
    std::string text = setting.sentence;
    if (setting.fixed) text += "; cannot change while the program runs";
    for (const std::string& alias : setting.aliases) text += "; also called " + alias;
    return text;
}

class Table {
public:
    Table() { rows_.push_back({"setting", "type", "default", "allowed", "unit", "meaning"}); }

    void add(const Description& description, const void* object, const std::string& prefix) {
        open_.push_back(&description);
        for (const Setting& setting : description.settings()) {
            const Nested nested = setting.type->nested();
            const std::string name = prefix + setting.name;
            const bool inner_default = nested.is_member && !setting.required;
            rows_.push_back({name, setting.type->name(),
                             inner_default ? "" : default_text(setting, object),
                             setting.type->allowed(), setting.unit, sentence(setting)});
            if (!nested.description || is_open(*nested.description)) continue;
            const std::shared_ptr<void> own = nested.description->make();
            add(*nested.description, nested.is_member ? setting.value_in(object) : own.get(),
                name + nested.suffix + ".");
        }
        open_.pop_back();
    }

    std::string text(std::size_t width, bool is_strict) const {
        std::array<std::size_t, column_count> widths{};
        for (const Row& row : rows_) {
            for (std::size_t column = 0; column < sentence_column; ++column) {
                widths[column] = std::max(widths[column], utf8_count(row[column]));
            }
        }
        // Leaves out a column in which no setting has an entry besides the title.
        for (std::size_t column = 0; column < sentence_column; ++column) {
            const auto is_empty = [&](const Row& row) { return row[column].empty(); };
            if (std::all_of(rows_.begin() + 1, rows_.end(), is_empty)) widths[column] = 0;
        }
        std::size_t indent = 0;
        for (const std::size_t column : widths) indent += column == 0 ? 0 : column + gap.size();
        std::string text;
        if (is_strict && indent + least_sentence_width > width) {
            for (auto row = rows_.begin() + 1; row != rows_.end(); ++row) {
                text += paragraph(*row, width);
            }
            return text;
        }
        for (const Row& row : rows_) text += line(row, widths, width);
        return text;
    }

private:
    bool is_open(const Description& description) const {
        return std::find(open_.begin(), open_.end(), &description) != open_.end();
    }

    static std::string line(const Row& row, const std::array<std::size_t, column_count>& widths,
                            std::size_t width) {
        std::string text;
        std::size_t indent = 0;
        for (std::size_t column = 0; column < sentence_column; ++column) {
            if (widths[column] == 0) continue;
            text += row[column];
            text.append(widths[column] - utf8_count(row[column]), ' ');
            text += gap;
            indent += widths[column] + gap.size();
        }
        const std::size_t left = std::max(width, indent + least_sentence_width) - indent;
        return text + broken(row[sentence_column], left, indent) + "\n";
    }

    /// A row for a page that is too narrow for columns: the name, and below it the rest.
    static std::string paragraph(const Row& row, std::size_t width) {
        const std::string indent(4, ' ');
        std::string facts;
        for (std::size_t column = 1; column < sentence_column; ++column) {
            if (row[column].empty()) continue;
            if (!facts.empty()) facts += ", ";
            facts += column == 2 ? "default " + row[column] : row[column];
        }
        const std::size_t left = std::max(width, indent.size() + 1) - indent.size();
        return row[0] + "\n" + indent + broken(facts, left, indent.size()) + "\n" + indent +
               broken(row[sentence_column], left, indent.size()) + "\n";
    }

    /// The sentence over lines of at most `width` characters, all but the first indented.
    static std::string broken(std::string_view sentence, std::size_t width, std::size_t indent) {
        std::string text;
        std::size_t used = 0;
        while (!sentence.empty()) {
            const std::size_t end = std::min(sentence.find(' '), sentence.size());
            const std::string_view word = sentence.substr(0, end);
            sentence.remove_prefix(std::min(end + 1, sentence.size()));
            const std::size_t length = utf8_count(word);
            if (used > 0 && used + 1 + length > width) {
                text += "\n" + std::string(indent, ' ');
                used = 0;
            } else if (used > 0) {
                text += ' ';
                ++used;
            }
            text += word;
            used += length;
        }
        return text;
    }

    std::vector<Row> rows_;
    std::vector<const Description*> open_;
};

}  // namespace

std::string describe_text(const Description& description, std::size_t width) {
    Table table;
    table.add(description, description.make().get(), "");
    return table.text(width, false);
}

std::string describe_text_within(const Description& description, std::size_t width) {
    Table table;
    table.add(description, description.make().get(), "");
    return table.text(width, true);
}

}  // namespace weir::config
