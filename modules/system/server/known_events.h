#pragma once

#include "modules/system/event/event_source.h"
#include "modules/system/server/checked_app.h"
#include "modules/system/server/module_table.h"

namespace weir {

// The event types of a server: weir's own, those that the configuration declares, and those of the
// modules that take calls now.
class KnownEvents final : public EventSource {
public:
    // Both must outlive this.
    KnownEvents(const CheckedApp& app, const ModuleTable& modules) noexcept
        : app_(app), modules_(modules) {}

    std::vector<KnownEventType> event_types() const override;
    const EventType* find_event_type(std::string_view name) const override;

private:
    template <class F>
    void visit_until(F visit) const;

    const CheckedApp& app_;
    const ModuleTable& modules_;
};

}  // namespace weir
