#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/event/index_value.h"

namespace weir {

// Chooses keys, for a rule or a listing: a text in which `*` stands for any number of characters,
// `?` for one, and a backslash makes the character after it an ordinary one. A key that is not a
// text is compared as listings show it: 7, ("disk", 3).
//
// Clients choose patterns and keys, so matching takes time in proportion to the length of the key,
// whatever the pattern, and the length of patterns is limited.
class KeyPattern {
public:
    static constexpr std::size_t longest = 256;  // bytes

    // Throws std::invalid_argument if the text is longer than that.
    explicit KeyPattern(std::string text);

    const std::string& text() const noexcept { return text_; }
    bool matches(const IndexValue& key) const;
    bool matches(std::string_view key) const noexcept;

private:
    using Set = std::array<std::uint64_t, longest / 64>;

    // The part of a pattern between two stars.
    struct Piece {
        std::string bytes;
        std::vector<bool> any;     // where it has a `?`
        std::vector<Set> accepts;  // by byte: which positions take it; empty without `?`

        bool matches_at(std::string_view key) const noexcept;
        std::size_t find_in(std::string_view key) const noexcept;
        void prepare();
    };

    std::string text_;
    std::vector<Piece> pieces_;  // at least one; between each two of them stood a star
};

// Returns a key for listings: a text without quotes, any other key as IndexValue describes it.
std::string key_text(const IndexValue& key);

}  // namespace weir
