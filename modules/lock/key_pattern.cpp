#include "modules/lock/key_pattern.h"

namespace weir {

std::string key_text(const IndexValue& key) {
    return key.kind() == IndexValue::Kind::text ? std::string(key.text()) : key.describe();
}

bool KeyPattern::matches(const IndexValue& key) const {
    return key.kind() == IndexValue::Kind::text ? matches(key.text())
                                                : matches(std::string_view(key.describe()));
}

bool KeyPattern::matches(std::string_view key) const noexcept {
    const std::string_view pattern = text_;
    std::size_t p = 0;
    std::size_t k = 0;
    // Where to go on if what follows the last star does not match here: one character later.
    std::size_t after_star = std::string_view::npos;
    std::size_t star_key = 0;
    while (k < key.size()) {
        const bool escaped = p + 1 < pattern.size() && pattern[p] == '\\';
        if (p < pattern.size() && pattern[p] == '*') {
            after_star = ++p;
            star_key = k;
        } else if (p < pattern.size() && (escaped ? pattern[p + 1] == key[k]
                                                  : pattern[p] == '?' || pattern[p] == key[k])) {
            p += escaped ? 2 : 1;
            ++k;
        } else if (after_star != std::string_view::npos) {
            p = after_star;
            k = ++star_key;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') {
        ++p;
    }
    return p == pattern.size();
}

}  // namespace weir
