#include "modules/lock/key_pattern.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <string.h>  // memmem

namespace weir {

std::string key_text(const IndexValue& key) {
    return key.kind() == IndexValue::Kind::text ? std::string(key.text()) : key.describe();
}

KeyPattern::KeyPattern(std::string text) : text_(std::move(text)), pieces_(1) {
    if (text_.size() > longest) {
        throw std::invalid_argument("the pattern has " + std::to_string(text_.size()) +
                                    " bytes, more than " + std::to_string(longest));
    }
    for (std::size_t i = 0; i != text_.size(); ++i) {
        Piece& piece = pieces_.back();
        const char c = text_[i];
        if (c == '*') {
            pieces_.emplace_back();
            continue;
        }
        const bool escaped = c == '\\' && i + 1 != text_.size();
        piece.bytes += escaped ? text_[++i] : c;
        piece.any.push_back(c == '?');
    }
    for (Piece& piece : pieces_) {
        piece.prepare();
    }
}

void KeyPattern::Piece::prepare() {
    if (std::find(any.begin(), any.end(), true) == any.end()) {
        return;
    }
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

// Requires that the key is as long as the piece, at least.
bool KeyPattern::Piece::matches_at(std::string_view key) const noexcept {
    for (std::size_t i = 0; i != bytes.size(); ++i) {
        if (!any[i] && bytes[i] != key[i]) {
            return false;
        }
    }
    return true;
}

// Returns where the piece is first found.
std::size_t KeyPattern::Piece::find_in(std::string_view key) const noexcept {
    if (accepts.empty()) {
        // std::string_view::find would take time in proportion to the product of the lengths.
        const void* const found =
            bytes.empty() ? key.data()
                          : ::memmem(key.data(), key.size(), bytes.data(), bytes.size());
        return found == nullptr
                   ? std::string_view::npos
                   : static_cast<std::size_t>(static_cast<const char*>(found) - key.data());
    }
    // All places where the piece may have begun advance at a time, a bit for each (the Shift-And
    // algorithm of Baeza-Yates and Gonnet).
    Set begun{};
    const std::size_t words = (bytes.size() + 63) / 64;
    const std::size_t last = bytes.size() - 1;
    for (std::size_t at = 0; at != key.size(); ++at) {
        const Set& accepted = accepts[static_cast<unsigned char>(key[at])];
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

bool KeyPattern::matches(const IndexValue& key) const {
    return key.kind() == IndexValue::Kind::text ? matches(key.text())
                                                : matches(std::string_view(key.describe()));
}

bool KeyPattern::matches(std::string_view key) const noexcept {
    const Piece& first = pieces_.front();
    if (pieces_.size() == 1) {
        return key.size() == first.bytes.size() && first.matches_at(key);
    }
    const Piece& last = pieces_.back();
    if (key.size() < first.bytes.size() + last.bytes.size() || !first.matches_at(key) ||
        !last.matches_at(key.substr(key.size() - last.bytes.size()))) {
        return false;
    }
    key.remove_prefix(first.bytes.size());
    key.remove_suffix(last.bytes.size());
    // Each of the other pieces is matched where it is first found: that leaves the longest rest for
    // the pieces behind it.
    for (std::size_t i = 1; i + 1 != pieces_.size(); ++i) {
        const std::size_t at = pieces_[i].find_in(key);
        if (at == std::string_view::npos) {
            return false;
        }
        key.remove_prefix(at + pieces_[i].bytes.size());
    }
    return true;
}

}  // namespace weir
