#pragma once

#include <string>
#include <vector>

#include "config/text/nearest_name.h"
#include "modules/system/call/api_error.h"

namespace weir {

// Returns the entry of the map that a caller names, as an iterator. Throws ApiException with the
// code `unknown_KIND` and the nearest name if there is none. `kind`: what the entries are: "queue".
template <class Map>
auto require_named(Map& map, const std::string& kind, const std::string& wanted) {
    const auto found = map.find(wanted);
    if (found == map.end()) {
        std::vector<std::string> known;
        for (const auto& [name, entry] : map) {
            known.push_back(name);
        }
        throw ApiException("unknown_" + kind, config::unknown_name(kind, wanted, known));
    }
    return found;
}

}  // namespace weir
