#include "modules/system/module/app_check.h"

#include <utility>

#include "config/text/nearest_name.h"
#include "config/text/quoted.h"
#include "modules/system/module/module_class.h"

namespace weir {

AppCheck::AppCheck(std::string_view module, const config::Configuration& configuration,
                   config::Problems& problems, config::Problems& warnings,
                   std::vector<const EventType*> events, Modules modules)
    : section_("module." + std::string(module)),
      configuration_(configuration),
      problems_(problems),
      warnings_(warnings),
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

const ApiFunction* AppCheck::find_function(const std::string& target, const std::string& name,
                                           const config::Path& path) const {
    config::Path proxy("server.proxies");
    proxy.push(target);
    const auto chosen = configuration_.value(proxy);
    const ModuleClass* const module =
        find_module(chosen && chosen->text() ? *chosen->text() : std::string_view(target));
    if (module == nullptr) {
        report(path, "no module '" + config::printable(target) +
                         "' is started: server.startup does not list it" +
                         config::did_you_mean(target, module_names()));
        return nullptr;
    }
    const ApiFunction* const found = module->api.find(IndexValue(name));
    if (found == nullptr) {
        report(path, "the module '" + target + "' has no function '" + config::printable(name) +
                         "'" + config::did_you_mean(name, module->api.names()));
    }
    return found;
}

}  // namespace weir
