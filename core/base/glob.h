#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// Chooses texts: a pattern in which `*` stands for any number of bytes, `?` for one, and a
/// backslash takes the meaning from what follows.
///
/// Clients may choose both pattern and text, so matching takes time in proportion to the length of
/// the text, whatever the pattern, and the length of patterns is limited. Immutable.
class Glob {
public:
    static constexpr std::size_t longest = 256;  // bytes

    /// Throws std::invalid_argument if the pattern is longer than that.
    explicit Glob(std::string pattern);

    const std::string& text() const noexcept { return text_; }
    bool matches(std::string_view text) const noexcept;

private:
    using Set = std::array<std::uint64_t, longest / 64>;

    // What stands between two stars.
    struct Piece {
        std::string bytes;
        std::vector<bool> any;     // where it has a `?`; empty without one
        std::vector<Set> accepts;  // by byte: which positions take it; empty without `?`

        bool matches_at(std::string_view text) const noexcept;
        std::size_t find_in(std::string_view text) const noexcept;
        void prepare();
    };

    std::string text_;
    std::vector<Piece> pieces_;  // at least one; between each two of them stood a star
};

}  // namespace weir
