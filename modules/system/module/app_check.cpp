#include "modules/system/module/app_check.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include <unistd.h>

#include "config/settings/reader.h"
#include "config/text/nearest_name.h"
#include "config/text/quoted.h"
#include "modules/system/call/caller.h"
#include "modules/system/module/module_class.h"

namespace weir {

namespace {

struct RolesOfServer {
    std::map<std::string, RoleSettings> roles;

    static config::Settings<RolesOfServer> describe() {
        return config::settings<RolesOfServer>(
            "The roles of the server", config::setting("roles", &RolesOfServer::roles, "Roles"));
    }
};

}  // namespace

std::string why_not_writable(const std::string& file) {
    std::error_code error;
    if (std::filesystem::exists(file, error)) {
        return ::access(file.c_str(), W_OK) == 0 ? ""
                                                 : config::in_quotes(file) + " cannot be written";
    }
    std::filesystem::path folder = std::filesystem::path(file).parent_path();
    if (folder.empty()) {
        folder = ".";
    }
    if (!std::filesystem::is_directory(folder, error)) {
        return "there is no folder " + config::in_quotes(folder.string());
    }
    return ::access(folder.c_str(), W_OK | X_OK) == 0
               ? ""
               : "no file can be made in the folder " + config::in_quotes(folder.string());
}

AppCheck::AppCheck(std::string_view module, const config::Configuration& configuration,
                   config::Problems& problems, config::Problems& warnings,
                   std::vector<const EventType*> events, Modules modules, bool runs)
    : section_("module." + std::string(module)),
      configuration_(configuration),
      problems_(problems),
      warnings_(warnings),
      events_(std::move(events)),
      modules_(std::move(modules)),
      runs_(runs) {}

Ref<AccessRules> AppCheck::roles() const {
    config::Problems ignored;
    Ref<AccessRules> rules(new AccessRules);
    rules->change(configuration_.read<RolesOfServer>("server", ignored).roles, {});
    return rules;
}

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

const EventType* AppCheck::require_event(std::string_view name, const config::Path& path) const {
    const EventType* const type = find_event(name);
    if (type != nullptr) {
        return type;
    }
    // The types of a module are known only if the app starts it.
    const std::string module(name.substr(0, name.find('.')));
    const std::vector<config::Name> configured = configuration_.names("module");
    const bool is_left_out =
        find_module(module) == nullptr &&
        std::ranges::any_of(configured, [&](const auto& other) { return other.text == module; });
    report(path, is_left_out ? "there is no event type '" + config::printable(std::string(name)) +
                                   "', because the module '" + module +
                                   "' is not started: add it to server.startup"
                             : config::unknown_name("event type", name, described_events()));
    return nullptr;
}

std::string AppCheck::module_of(const std::string& target) const {
    config::Path proxy("server.proxies");
    proxy.push(target);
    const auto chosen = configuration_.value(proxy);
    return chosen && chosen->text() ? std::string(*chosen->text()) : target;
}

const ApiFunction* AppCheck::find_function(const std::string& target, const std::string& name,
                                           const config::Path& path) const {
    const ModuleClass* const module = find_module(module_of(target));
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

// --- values

// What is written is read as the function, or the event, will read it.
void AppCheck::check_value(const config::Description& owner, const config::Setting& wanted,
                           const config::Value& written, const config::Path& path) const {
    const std::shared_ptr<void> made = owner.make();
    config::Problems own;
    config::Reader reader(own, written.position, {});
    const config::Origin origin{0, {}};
    wanted.type->read({{&written, &written.position, {}, &origin}}, wanted.value_in(made.get()),
                      reader);
    for (const config::Problem& problem : own) {
        report(path, (problem.path.empty() ? "" : problem.path + ": ") + problem.what);
    }
}

void AppCheck::check_parameter(const std::string& target, const config::Description& owner,
                               const config::Setting& parameter, const config::Value& written,
                               const config::Path& path) const {
    check_value(owner, parameter, written, path);
    check_name(target, config::name_in(*parameter.type), written, path);
}

void AppCheck::check_allowed(const std::string& target, const config::Description& parameters,
                             const std::map<std::string, config::Value>& written,
                             const config::Path& path) const {
    for (const config::Setting& parameter : parameters.settings()) {
        const config::AllowedBy* const rule = config::allowed_by(*parameter.type);
        const auto given = written.find(parameter.name);
        const auto* const list =
            given == written.end() ? nullptr : given->second.get<config::Value::List>();
        if (rule == nullptr || list == nullptr || list->empty()) {
            continue;
        }
        const auto named = written.find(rule->parameter);
        const auto name = named == written.end() ? std::nullopt : named->second.text();
        config::Path entry("module");
        entry.push(module_of(target));
        entry = entry / rule->map;
        entry.push(name.value_or(""));
        if (!configuration_.value(entry)) {
            continue;  // it is known only when the call is made, or another check says so
        }
        const auto allowed = configuration_.value(entry / rule->setting);
        const bool* const is_allowed = allowed ? allowed->get<bool>() : nullptr;
        if (is_allowed == nullptr || !*is_allowed) {
            report(path / parameter.name,
                   "the " + rule->parameter + " '" + config::printable(*name) +
                       "' takes none: " + (entry / rule->setting).text() + " is not true");
        }
    }
}

// --- names out of settings

void AppCheck::check_name(const std::string& target, const config::NameIn* names,
                          const config::Value& written, const config::Path& path) const {
    check_name_in({module_of(target)}, names, written, path);
}

void AppCheck::check_name(const EventType& type, const config::NameIn* names,
                          const config::Value& written, const config::Path& path) const {
    std::vector<std::string> modules;
    for (const auto& [name, module] : modules_) {
        if (std::ranges::find(module->events, &type) != module->events.end()) {
            modules.push_back(name);
        }
    }
    check_name_in(modules, names, written, path);
}

void AppCheck::check_name_in(const std::vector<std::string>& modules, const config::NameIn* names,
                             const config::Value& written, const config::Path& path) const {
    if (names == nullptr || !written.text()) {
        return;
    }
    std::vector<std::string> known;
    for (const std::string& module : modules) {
        config::Path map("module");
        map.push(module);
        const std::optional<config::Value> entries = configuration_.value(map / names->map);
        const auto* const members = entries ? entries->get<config::Value::Object>() : nullptr;
        for (std::size_t i = 0; members != nullptr && i != members->size(); ++i) {
            if (!(*members)[i].value.is_null()) {
                known.push_back((*members)[i].name);
            }
        }
    }
    if (std::ranges::find(known, *written.text()) == known.end()) {
        report(path, config::unknown_name(names->kind, *written.text(), known));
    }
}

}  // namespace weir
