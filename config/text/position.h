#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace weir::config {

/// One text that settings come from: a file, a text inside the program, or one `--set`.
struct Source {
    std::string name;       ///< as people know it: "apps/lockd.json", "--set server.x=..."
    std::size_t order = 0;  ///< counts the sources of one configuration in reading order
    bool one_line = false;  ///< a `--set`: line and column would tell nobody anything
};

/// Where in a text a value or a key begins. A value type, cheap to copy.
struct Position {
    std::shared_ptr<const Source> source;  ///< shared by all positions in one text; null: no text
    std::uint32_t line = 0;                ///< from 1; 0: the text as a whole
    std::uint32_t column = 0;              ///< in characters (code points), from 1

    /// By reading order of the sources, then by place in the text.
    friend std::weak_ordering operator<=>(const Position& left, const Position& right);
    friend bool operator==(const Position& left, const Position& right);
};

/// "app.json:3:12", "--set server.x=...", or "" where there is no text.
std::string to_text(const Position& position);

}  // namespace weir::config
