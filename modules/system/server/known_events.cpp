#include "modules/system/server/known_events.h"

#include <map>

#include "modules/system/server/configured_queues.h"

namespace weir {

// Calls visit(type, name of its module) until it returns true. Of types of one name, the first
// counts.
template <class F>
void KnownEvents::visit_until(F visit) const {
    static const std::string no_module;
    for (const EventType* type : standard_event_types()) {
        if (visit(*type, no_module)) {
            return;
        }
    }
    for (const EventType* type : app_.event_types().all()) {
        if (visit(*type, no_module)) {
            return;
        }
    }
    for (const auto& [name, entry] : modules_.entries) {
        if (entry.module == nullptr || !entry.module->serving()) {
            continue;
        }
        for (const EventType* type : entry.found.type->events) {
            if (visit(*type, name)) {
                return;
            }
        }
    }
}

std::vector<KnownEventType> KnownEvents::event_types() const {
    std::map<std::string, KnownEventType> types;
    visit_until([&types](const EventType& type, const std::string& module) {
        types.emplace(type.name(), KnownEventType{&type, module});
        return false;
    });
    std::vector<KnownEventType> result;
    for (auto& [name, type] : types) {
        result.push_back(std::move(type));
    }
    return result;
}

const EventType* KnownEvents::find_event_type(std::string_view name) const {
    const EventType* found = nullptr;
    visit_until([&](const EventType& type, const std::string&) {
        found = type.name() == name ? &type : nullptr;
        return found != nullptr;
    });
    return found;
}

}  // namespace weir
