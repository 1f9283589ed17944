#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/event/event_type.h"

namespace weir {

/// An event type that a server knows by its name.
struct KnownEventType {
    const EventType* type;
    std::string module;  ///< that brings it; "" if it is weir's own, or the configuration's
};

/// Tells which event types there are. They may change whenever a module loads or unloads.
class EventSource {
public:
    /// Returns the types, ordered by name.
    virtual std::vector<KnownEventType> event_types() const = 0;
    /// Returns the type of that name, or null.
    virtual const EventType* find_event_type(std::string_view name) const = 0;

protected:
    ~EventSource() = default;
};

}  // namespace weir
