#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/event/event_type.h"

namespace weir {

/// Remembers a value for each of a few event types, so that what is the same for all events of a
/// type is found out once. Each type has one slot, which it may share with other types: a value may
/// be forgotten at any time. A lookup is a load and a comparison, and there is no memory to
/// allocate.
template <class T>
class TypeCache {
public:
    /// Returns the value of the type; null if none is remembered. Valid until the next change.
    const T* find(const EventType& type) const noexcept {
        const Slot& slot = slots_[type.id() % slots_.size()];
        return slot.type == type.id() ? &slot.value : nullptr;
    }
    /// Remembers a value for the type, in place of the one before, and returns it; see find().
    const T& remember(const EventType& type, T value) noexcept {
        Slot& slot = slots_[type.id() % slots_.size()];
        slot = {type.id(), value};
        return slot.value;
    }
    /// Forgets all values: to be called when any of them may have changed.
    void clear() noexcept { slots_ = {}; }

private:
    struct Slot {
        std::uint64_t type = 0;  // its id; 0: the slot is free
        T value{};
    };

    std::array<Slot, 16> slots_;
};

}  // namespace weir
