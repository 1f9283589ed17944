#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/base/glob.h"
#include "core/event/index_value.h"

namespace weir {

// Returns a key for listings: a text without quotes, any other key as IndexValue describes it.
inline std::string key_text(const IndexValue& key) {
    return key.kind() == IndexValue::Kind::text ? std::string(key.text()) : key.describe();
}

// Chooses keys, for a rule or a listing, by a Glob. A key that is not a text is compared as
// listings show it: 7, ("disk", 3).
class KeyPattern {
public:
    static constexpr std::size_t longest = Glob::longest;  // bytes

    // Throws std::invalid_argument if the text is longer than that.
    explicit KeyPattern(std::string text) : glob_(std::move(text)) {}

    const std::string& text() const noexcept { return glob_.text(); }
    bool matches(const IndexValue& key) const {
        return key.kind() == IndexValue::Kind::text ? matches(key.text())
                                                    : matches(std::string_view(key_text(key)));
    }
    bool matches(std::string_view key) const noexcept { return glob_.matches(key); }

private:
    Glob glob_;
};

}  // namespace weir
