#pragma once

#include <string>
#include <string_view>

#include "core/event/index_value.h"

namespace weir {

/// The target of a call that any module may take which has a public function of that name.
inline constexpr std::string_view public_target = "public";

/// The name of a function of a module. The names are hashed when it is made: code that calls a
/// function often makes it once, `const ApiName acquire("lock", "acquire")`.
struct ApiName {
    ApiName(std::string_view target_name, std::string_view function_name)
        : target(target_name), function(function_name) {}

    Index<std::string> target;  ///< the module, or `public_target`
    Index<std::string> function;
};

/// Returns "lock.acquire".
std::string to_text(const ApiName& name);

}  // namespace weir
