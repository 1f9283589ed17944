#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "modules/system/call/api_function.h"
#include "modules/system/call/json_fwd.h"

namespace weir {

/// The functions of a module that other code may call, in the order of their declaration. Several
/// may have the same name if their criteria differ. Not thread-safe.
class Api {
public:
    void add(ApiFunction function);
    /// Says that all functions of that name read. Returns false if there is none.
    bool set_reads(std::string_view name) noexcept;

    const std::vector<ApiFunction>& functions() const noexcept { return functions_; }
    /// Returns the names of all functions, each once.
    std::vector<std::string> names() const;
    bool has(std::string_view name) const noexcept;

    /// Returns a text for people: each function with its parameters. Ends with a newline.
    std::string describe(std::size_t width = 100) const;
    /// Returns the same for programs: {"greet": {"description": ..., "parameters": [{"name": ...,
    /// "type": ..., "default": ..., "description": ...}], "result": "string"}}
    Json to_json() const;

private:
    std::vector<ApiFunction> functions_;
};

}  // namespace weir
