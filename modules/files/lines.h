#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/document/value.h"

namespace weir::files {

// Returns what the line says in JSON; the line itself if it is no JSON, or is nested deeper than
// values may be.
config::Value json_of_line(const std::string& line);

// Cuts what is read of a file into lines, which end with "\n" or "\r\n". Of a line that is longer
// than the longest, keeps the beginning, and no more of it in memory.
class Lines {
public:
    struct Line {
        std::string text;         // without its end
        bool cut = false;         // whether there was more
        std::uint64_t bytes = 0;  // of the file, with its end
    };

    explicit Lines(std::size_t longest) noexcept : longest_(longest) {}

    void add(std::string_view bytes);
    // Returns the next line that has an end.
    std::optional<Line> next();
    // Returns what follows the last line, and forgets it; nothing: there is none.
    std::optional<Line> rest();
    void clear() noexcept;

private:
    Line made(std::size_t length, std::size_t end);

    const std::size_t longest_;
    std::string bytes_;
    std::size_t begin_ = 0;      // of the next line
    std::size_t searched_ = 0;   // up to where it has no end
    std::uint64_t dropped_ = 0;  // bytes of it that are not kept
};

}  // namespace weir::files
