#include "modules/system/server/known_events.h"

#include <map>

#include "modules/system/server/configured_queues.h"

namespace weir {

// Of types of one name, the first counts.
template <class F>
void KnownEvents::for_each(F visit) const {
    for (const EventType* type : standard_event_types()) {
        visit(*type, std::string());
    }
    for (const EventType* type : app_.event_types().all()) {
        visit(*type, std::string());
    }
    for (const auto& [name, entry] : modules_.entries) {
        if (entry.module == nullptr || !entry.module->serving()) {
            continue;
        }
        for (const EventType* type : entry.found.type->events) {
            visit(*type, name);
        }
    }
}

std::vector<KnownEventType> KnownEvents::event_types() const {
    std::map<std::string, KnownEventType> types;
    for_each([&types](const EventType& type, const std::string& module) {
        types.emplace(type.name(), KnownEventType{&type, module});
    });
    std::vector<KnownEventType> result;
    for (auto& [name, type] : types) {
        result.push_back(std::move(type));
    }
    return result;
}

const EventType* KnownEvents::find_event_type(std::string_view name) const {
    const EventType* found = nullptr;
    for_each([&](const EventType& type, const std::string&) {
        if (found == nullptr && type.name() == name) {
            found = &type;
        }
    });
    return found;
}

}  // namespace weir
