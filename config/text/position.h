#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace weir::config {

/// One text that settings come from: a file, a text inside the program, or one `--set`.
struct Source {
    std::string name;       ///< for messages: "apps/lockd.json", "--set server.x=..."
    std::size_t order = 0;  ///< numbers the sources of one configuration in reading order
    bool one_line = false;  ///< a `--set`: messages omit line and column
};

/// Where a value or a key begins in a text. A value type, cheap to copy.
struct Position {
    std::shared_ptr<const Source> source;  ///< shared by all positions in one text; null: no text
    std::uint32_t line = 0;                ///< from 1; 0: the text as a whole
    std::uint32_t column = 0;              ///< in characters (code points), from 1

    /// Orders by the reading order of the sources, then by line and column.
    friend std::weak_ordering operator<=>(const Position& left, const Position& right);
    friend bool operator==(const Position& left, const Position& right);
};

/// Returns "app.json:3:12", "--set server.x=...", or "" if there is no text.
std::string to_text(const Position& position);

}  // namespace weir::config
