#include "modules/system/module/app_check.h"

#include <utility>

#include "modules/system/module/module_class.h"

namespace weir {

AppCheck::AppCheck(std::string_view module, const config::Configuration& configuration,
                   config::Problems& problems, std::vector<const EventType*> events,
                   Modules modules)
    : section_("module." + std::string(module)),
      configuration_(configuration),
      problems_(problems),
      events_(std::move(events)),
      modules_(std::move(modules)) {}

const EventType* AppCheck::find_event(std::string_view name) const noexcept {
    for (const EventType* type : events_) {
        if (type->name() == name) {
            return type;
        }
    }
    return nullptr;
}

std::vector<std::string> AppCheck::described_events() const {
    std::vector<std::string> names;
    for (const EventType* type : events_) {
        if (type->description() != nullptr) {
            names.push_back(type->name());
        }
    }
    return names;
}

const ModuleClass* AppCheck::find_module(std::string_view name) const noexcept {
    const auto found = modules_.find(name);
    return found == modules_.end() ? nullptr : found->second;
}

std::vector<std::string> AppCheck::module_names() const {
    std::vector<std::string> names;
    for (const auto& [name, module] : modules_) {
        names.push_back(name);
    }
    return names;
}

}  // namespace weir
