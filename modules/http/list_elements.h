#pragma once

#include <algorithm>
#include <string_view>

#include "modules/http/response.h"

namespace weir::http {

// Calls `use` with each element of a header that is a list, as Connection or Cache-Control: what
// stands between commas, without blanks around it (RFC 9110, 5.6.1). Empty ones are none.
template <class Use>
void for_each_element(std::string_view list, Use use) {
    constexpr std::string_view blanks = " \t";
    while (!list.empty()) {
        const std::size_t size = std::min(list.find(','), list.size());
        std::string_view element = list.substr(0, size);
        list.remove_prefix(std::min(size + 1, list.size()));
        element.remove_prefix(std::min(element.find_first_not_of(blanks), element.size()));
        element = element.substr(0, element.find_last_not_of(blanks) + 1);
        if (!element.empty()) {
            use(element);
        }
    }
}

// Returns whether one of the elements is that word, but for the case of ASCII letters.
inline bool has_element(std::string_view list, std::string_view word) {
    bool has = false;
    for_each_element(
        list, [&has, word](std::string_view element) { has = has || same_name(element, word); });
    return has;
}

}  // namespace weir::http
