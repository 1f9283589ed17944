#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/event/index_value.h"
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
    /// Returns where a function of this API stands among functions().
    std::size_t position_of(const ApiFunction& function) const noexcept {
        return static_cast<std::size_t>(&function - functions_.data());
    }
    /// Returns the names of all functions, each once.
    std::vector<std::string> names() const;
    /// Returns the first function of this name, or null; next() returns the one after it.
    const ApiFunction* find(const IndexValue& name) const noexcept {
        const Slot* const slot = slots_.empty() ? nullptr : &slots_[slot_of(name)];
        return slot == nullptr || slot->name.is_any() ? nullptr : &functions_[slot->function];
    }
    const ApiFunction* next(const ApiFunction& function) const noexcept;

    /// Returns a text for people: each function with its parameters. Ends with a newline.
    std::string describe(std::size_t width = 100) const;
    /// Returns the same for programs: {"greet": {"description": ..., "parameters": [{"name": ...,
    /// "type": ..., "default": ..., "description": ...}], "result": "string"}}
    Json to_json() const;

private:
    struct Slot {
        IndexValue name;           // none: the slot is free
        std::size_t function = 0;  // the first of that name
    };

    // Returns the slot of the name, or the free one where it belongs. Requires that there are
    // slots.
    std::size_t slot_of(const IndexValue& name) const noexcept {
        const std::size_t mask = slots_.size() - 1;
        std::size_t slot = name.hash() & mask;
        while (!slots_[slot].name.is_any() && slots_[slot].name != name) {
            slot = (slot + 1) & mask;
        }
        return slot;
    }
    void put_in_slot(std::size_t function);

    std::vector<ApiFunction> functions_;
    std::vector<Slot> slots_;  // by the hash of the name; a power of two of them, half free
};

}  // namespace weir
