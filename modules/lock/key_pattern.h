#pragma once

#include <string>
#include <string_view>

#include "core/event/index_value.h"

namespace weir {

// Which keys a rule or a listing is about: a text in which `*` stands for any number of
// characters, `?` for one, and a backslash takes the meaning from what follows. A key that is no
// text is compared as listings show it: 7, ("disk", 3).
class KeyPattern {
public:
    explicit KeyPattern(std::string text) : text_(std::move(text)) {}

    const std::string& text() const noexcept { return text_; }
    bool matches(const IndexValue& key) const;
    // Takes time proportional to the product of the lengths, whatever the pattern.
    bool matches(std::string_view key) const noexcept;

private:
    std::string text_;
};

// A key for people: texts without quotes, all else as IndexValue describes it.
std::string key_text(const IndexValue& key);

}  // namespace weir
