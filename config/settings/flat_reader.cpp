#include "config/settings/flat_reader.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <system_error>

#include "config/document/value.h"
#include "config/settings/description.h"
#include "config/settings/type.h"
#include "config/text/text_cursor.h"
#include "config/text/utf8.h"

namespace weir::config {

namespace {

// The tokens of a flat object, in order. Each function moves on only if its token is there.
class FlatTokens {
public:
    explicit FlatTokens(std::string_view text) noexcept : text_(text) { skip_blanks(); }

    bool at_end() const noexcept { return at_ == text_.size(); }
    bool is_at(char character) const noexcept {
        return at_ != text_.size() && text_[at_] == character;
    }

    bool take(char character) noexcept {
        if (!is_at(character)) {
            return false;
        }
        ++at_;
        skip_blanks();
        return true;
    }

    std::optional<std::string_view> take_string() {
        if (!is_at('"')) {
            return std::nullopt;
        }
        const std::size_t begin = at_ + 1;
        std::size_t end = begin;
        unsigned char bits = 0;
        while (end != text_.size() && is_plain(text_[end])) {
            bits |= static_cast<unsigned char>(text_[end++]);
        }
        const std::string_view string = text_.substr(begin, end - begin);
        const bool is_ascii = bits < 0x80;
        if (end == text_.size() || text_[end] != '"' ||
            (!is_ascii && utf8_prefix(string) != string.size())) {
            return std::nullopt;
        }
        move_to(end + 1);
        return string;
    }

    std::optional<Value> take_scalar() {
        if (const auto string = take_string()) {
            return Value(*string);
        }
        if (take_word("null")) {
            return Value(nullptr);
        }
        if (take_word("true")) {
            return Value(true);
        }
        if (take_word("false")) {
            return Value(false);
        }
        return take_number();
    }

private:
    static bool is_plain(char character) noexcept {
        return character != '"' && character != '\\' &&
               static_cast<unsigned char>(character) >= 0x20;
    }

    bool take_word(std::string_view word) noexcept {
        if (!text_.substr(at_).starts_with(word)) {
            return false;
        }
        move_to(at_ + word.size());
        return true;
    }

    // An integer of 64 bits stays one; what does not fit is for the long way.
    std::optional<Value> take_number() {
        const std::size_t end = after_number(text_, at_);
        const std::string_view number = text_.substr(at_, end - at_);
        std::optional<Value> value;
        const std::size_t point = number.find('.');
        const bool is_odd = point != number.npos && (point == 0 || !is_digit(number[point - 1]) ||
                                                     !is_digit(number[point + 1]));
        if (number.empty() || !is_digit(number.back()) || is_odd) {
            return std::nullopt;
        }
        if (number.find_first_of(".eE") == number.npos) {
            value = converted<std::int64_t>(number);
            if (!value) {
                value = converted<std::uint64_t>(number);
            }
        } else {
            value = converted<double>(number);
        }
        if (value) {
            move_to(end);
        }
        return value;
    }

    template <class Number>
    static std::optional<Value> converted(std::string_view text) {
        Number number{};
        const char* const end = text.data() + text.size();
        const auto [stop, error] = std::from_chars(text.data(), end, number);
        return error == std::errc() && stop == end ? std::optional(Value(number)) : std::nullopt;
    }

    static bool is_digit(char character) noexcept { return character >= '0' && character <= '9'; }

    void move_to(std::size_t offset) noexcept {
        at_ = offset;
        skip_blanks();
    }
    void skip_blanks() noexcept {
        while (at_ != text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' ||
                                       text_[at_] == '\r' || text_[at_] == '\t')) {
            ++at_;
        }
    }

    const std::string_view text_;
    std::size_t at_ = 0;
};

// Returns a bit for each member that was there; nothing if the text is not flat.
std::optional<std::uint64_t> read_members(FlatTokens& tokens, const Description& description,
                                          void* object) {
    std::uint64_t seen = 0;
    if (tokens.take('}')) {
        return seen;
    }
    do {
        const auto name = tokens.take_string();
        const Setting* const member = name ? description.find(*name) : nullptr;
        if (member == nullptr || !tokens.take(':')) {
            return std::nullopt;
        }
        const std::uint64_t bit = std::uint64_t{1} << (member - description.settings().data());
        const std::optional<Value> value = tokens.take_scalar();
        if ((seen & bit) != 0 || !value ||
            !member->type->read_scalar(*value, member->value_in(object))) {
            return std::nullopt;
        }
        seen |= bit;
    } while (tokens.take(','));
    return tokens.take('}') ? std::optional(seen) : std::nullopt;
}

}  // namespace

bool read_flat(std::string_view json, const Description& description, void* object) {
    constexpr std::size_t most_members = 64;  // bits of `seen`
    if (description.settings().size() > most_members) {
        return false;
    }
    FlatTokens tokens(json);
    const std::optional<std::uint64_t> seen =
        tokens.take('{') ? read_members(tokens, description, object) : std::nullopt;
    if (!seen || !tokens.at_end()) {
        return false;
    }
    std::uint64_t bit = 1;
    return std::ranges::all_of(description.settings(), [&](const Setting& member) {
        const bool is_there = (*seen & bit) != 0;
        bit <<= 1;
        return is_there || !member.required;
    });
}

}  // namespace weir::config
