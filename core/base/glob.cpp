#include "core/base/glob.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <string.h>  // memmem

namespace weir {

Glob::Glob(std::string pattern) : text_(std::move(pattern)) {
    if (text_.size() > longest) {
        throw std::invalid_argument("the pattern has " + std::to_string(text_.size()) +
                                    " bytes, more than " + std::to_string(longest));
    }
    pieces_.reserve(static_cast<std::size_t>(std::ranges::count(text_, '*')) + 1);
    pieces_.emplace_back();
    for (std::size_t i = 0; i != text_.size(); ++i) {
        Piece& piece = pieces_.back();
        const char c = text_[i];
        if (c == '*') {
            pieces_.emplace_back();
            continue;
        }
        const bool escaped = c == '\\' && i + 1 != text_.size();
        piece.bytes += escaped ? text_[++i] : c;
        if (c == '?') {
            piece.any.resize(piece.bytes.size() - 1);
            piece.any.push_back(true);
        }
    }
    for (Piece& piece : pieces_) {
        piece.prepare();
    }
}

void Glob::Piece::prepare() {
    if (any.empty()) {
        return;
    }
    any.resize(bytes.size());
    accepts.resize(256);
    for (std::size_t i = 0; i != bytes.size(); ++i) {
        const std::uint64_t bit = std::uint64_t{1} << (i % 64);
        if (!any[i]) {
            accepts[static_cast<unsigned char>(bytes[i])][i / 64] |= bit;
            continue;
        }
        for (Set& set : accepts) {
            set[i / 64] |= bit;
        }
    }
}

// Requires that the text is as long as the piece, at least.
bool Glob::Piece::matches_at(std::string_view text) const noexcept {
    for (std::size_t i = 0; i != bytes.size(); ++i) {
        if (bytes[i] != text[i] && (any.empty() || !any[i])) {
            return false;
        }
    }
    return true;
}

// Returns where the piece is first found.
std::size_t Glob::Piece::find_in(std::string_view text) const noexcept {
    if (accepts.empty()) {
        // std::string_view::find would take time in proportion to the product of the lengths.
        const void* const found =
            bytes.empty() ? text.data()
                          : ::memmem(text.data(), text.size(), bytes.data(), bytes.size());
        return found == nullptr
                   ? std::string_view::npos
                   : static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
    }
    // All places where the piece may have begun advance at a time, a bit for each (the Shift-And
    // algorithm of Baeza-Yates and Gonnet).
    Set begun{};
    const std::size_t words = (bytes.size() + 63) / 64;
    const std::size_t last = bytes.size() - 1;
    for (std::size_t at = 0; at != text.size(); ++at) {
        const Set& accepted = accepts[static_cast<unsigned char>(text[at])];
        std::uint64_t carry = 1;
        for (std::size_t word = 0; word != words; ++word) {
            const std::uint64_t next_carry = begun[word] >> 63;
            begun[word] = (begun[word] << 1 | carry) & accepted[word];
            carry = next_carry;
        }
        if ((begun[last / 64] >> (last % 64) & 1) != 0) {
            return at - last;
        }
    }
    return std::string_view::npos;
}

bool Glob::matches(std::string_view text) const noexcept {
    const Piece& first = pieces_.front();
    if (pieces_.size() == 1) {
        return text.size() == first.bytes.size() && first.matches_at(text);
    }
    const Piece& last = pieces_.back();
    if (text.size() < first.bytes.size() + last.bytes.size() || !first.matches_at(text) ||
        !last.matches_at(text.substr(text.size() - last.bytes.size()))) {
        return false;
    }
    text.remove_prefix(first.bytes.size());
    text.remove_suffix(last.bytes.size());
    // Each of the other pieces is matched where it is first found: that leaves the longest rest for
    // the pieces behind it.
    for (std::size_t i = 1; i + 1 != pieces_.size(); ++i) {
        const std::size_t at = pieces_[i].find_in(text);
        if (at == std::string_view::npos) {
            return false;
        }
        text.remove_prefix(at + pieces_[i].bytes.size());
    }
    return true;
}

}  // namespace weir
