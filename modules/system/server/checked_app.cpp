#include "modules/system/server/checked_app.h"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

#include "config/settings/catalogue.h"
#include "config/text/nearest_name.h"
#include "config/text/quoted.h"
#include "modules/system/call/api_error.h"
#include "modules/system/call/role.h"
#include "modules/system/event/event_exchange.h"
#include "modules/system/server/configured_queues.h"
#include "modules/system/server/instances.h"
#include "modules/system/server/load_error.h"
#include "modules/system/server/startup_plan.h"

namespace weir {

namespace {

ServerSettings read_settings(const config::Configuration& configuration) {
    config::Problems own;  // the catalogue reports them
    return configuration.read<ServerSettings>("server", own);
}

void add_settings(config::Catalogue& catalogue, const std::string& name, const FoundModule& found,
                  config::Use use) {
    const std::string section = "module." + name;
    if (found.type->settings != nullptr) {
        catalogue.add(section, *found.type->settings, use);
    }
    catalogue.add<CommonModuleSettings>(section, use);
}

// Modules that are not started, but have settings: these may be wrong too. With defaults for all
// modules, any module may have such a setting.
std::set<std::string> names_with_settings(const config::Configuration& configuration,
                                          const ModuleFinder& finder) {
    std::set<std::string> names;
    for (const config::Name& name : configuration.names("module")) {
        if (name.text != "default") {
            names.insert(name.text);
        } else {
            const std::vector<std::string> installed = finder.names();
            names.insert(installed.begin(), installed.end());
        }
    }
    return names;
}

// Returns whether the mistake is in the settings of one module.
bool is_of_a_module(const config::Problem& problem) {
    return problem.path.starts_with("module.") && !problem.path.starts_with("module.default");
}

// Returns whether it is in those of this module.
bool is_of_module(const config::Problem& problem, const std::string& name) {
    config::Path section("module");
    section.push(name);
    const std::string own = section.text();
    return problem.path == own || problem.path.starts_with(own + ".");
}

}  // namespace

CheckedApp::CheckedApp(config::Configuration configuration, Registry registry,
                       config::Problems& problems)
    : CheckedApp(std::move(configuration), std::move(registry), problems, std::nullopt) {}

CheckedApp::CheckedApp(config::Configuration configuration, Registry registry,
                       config::Problems& problems, Loaded loaded)
    : configuration_(std::move(configuration)),
      registry_(std::move(registry)),
      settings_(read_settings(configuration_)),
      event_types_(settings_.events),
      finder_(settings_, registry_, plugins_of_modules(configuration_)),
      runs_(loaded.has_value()) {
    check(problems, std::move(loaded));
    sound_ = problems.empty();
}

namespace {

CheckedApp required(CheckedApp app, const config::Problems& problems) {
    if (!app.sound()) {
        throw std::invalid_argument(problems.text());
    }
    return app;
}

}  // namespace

CheckedApp CheckedApp::require(config::Configuration configuration, Registry registry) {
    config::Problems problems;
    CheckedApp app(std::move(configuration), std::move(registry), problems);
    return required(std::move(app), problems);
}

CheckedApp CheckedApp::require_change(config::Configuration configuration, Registry registry,
                                      std::vector<FoundModule> loaded) {
    config::Problems problems;
    CheckedApp app(std::move(configuration), std::move(registry), problems, std::move(loaded));
    return required(std::move(app), problems);
}

void CheckedApp::check(config::Problems& problems, Loaded loaded) {
    config::Catalogue catalogue;
    catalogue.add<ServerSettings>("server");
    // Another finder: which defaults interfaces have is known when modules load.
    ModuleFinder finder = finder_;
    if (loaded) {
        finder.lend(*std::move(loaded));
    }
    check_plugins_of_modules(configuration_, problems);
    StartupPlan plan(configuration_, settings_, finder, problems);
    check_single(configuration_, plan.modules, problems);
    JsonEventTypes::check(configuration_, settings_.events, problems);
    std::vector<const EventType*> types = standard_event_types();
    for (const EventType* type : event_types_.all()) {
        types.push_back(type);
    }
    ModuleQueueKinds kinds;
    for (const auto& [name, found] : plan.modules) {
        for (const ModuleQueueKind& kind : found.type->queue_kinds) {
            kinds.emplace(kind.name, &kind);
        }
        if (const EventType* own = declared_twice(*found.type)) {
            config::Path path("server.events");
            path.push(own->name());
            configuration_.report(path, "the module '" + name + "' has a type of this name",
                                  problems);
        }
        add_settings(catalogue, name, found, config::Use::running);
        types.insert(types.end(), found.type->events.begin(), found.type->events.end());
    }
    for (const auto& [name, found] : plan.modules) {
        started_.push_back(name);
    }
    opened_ = std::move(plan.modules);
    for (const std::string& name : names_with_settings(configuration_, finder)) {
        if (opened_.contains(name)) {
            continue;
        }
        try {
            const FoundModule shared = opened_among(opened_, finder.plugin_of(name));
            const auto opened = opened_.emplace(name, shared ? shared : finder.open(name)).first;
            add_settings(catalogue, name, opened->second, config::Use::installed);
        } catch (const PluginError& error) {
            // There is none, or it cannot be used anyway.
            if (finder.plugin_of(name) != name) {
                catalogue.add_module(name);
                config::Path place("module");
                place.push(name);
                place.push("plugin");
                configuration_.report(place, error.what(), problems);
            }
        }
    }
    for (const std::string& name : finder.names()) {
        if (!opened_.contains(name)) {
            catalogue.add_module(name);
        }
    }
    catalogue.check(configuration_, problems);
    check_users(problems);
    ConfiguredQueues::check(configuration_, settings_.queues, types, kinds, problems);
    // What is wrong with the settings of all, or of a module, was said: these cannot be looked at
    // further.
    if (std::ranges::all_of(problems, is_of_a_module)) {
        check_modules(problems);
        check_roles();
    }
    // With a mistake, as one of the syntax, it may not be known what the app starts.
    if (problems.empty()) {
        warn_of_unstarted(finder);
    }
    // Their modules may unload before this app needs them.
    std::erase_if(opened_, [&finder](const auto& found) {
        return found.second.library != nullptr && finder.has_lent(found.second);
    });
}

// No mistake: it may be loaded later, by manager.load, and in a server that runs it may be already.
void CheckedApp::warn_of_unstarted(const ModuleFinder& finder) {
    for (const config::Name& name : configuration_.names("module")) {
        const auto found = opened_.find(name.text);
        if (found == opened_.end() || finder.has_lent(found->second) ||
            std::ranges::find(started_, name.text) != started_.end()) {
            continue;
        }
        config::Path path("module");
        path.push(name.text);
        warnings_.add(name.position, path,
                      "the module '" + name.text +
                          "' is not started: server.startup does not list it, and no module that "
                          "starts needs it; its settings have no effect until it is loaded");
    }
}

void CheckedApp::check_modules(config::Problems& problems) {
    std::vector<std::string> checked;
    for (const std::string& name : started_) {
        const bool is_right = std::ranges::none_of(
            problems, [&](const config::Problem& problem) { return is_of_module(problem, name); });
        if (is_right && opened_.at(name).type->check != nullptr) {
            checked.push_back(name);
        }
    }
    for (const std::string& name : checked) {
        opened_.at(name).type->check(as_module_sees_it(name, problems, warnings_));
    }
}

// A pattern that allows nothing is no mistake: a module that is loaded later may have the function.
void CheckedApp::check_roles() {
    std::vector<std::string> known;
    std::vector<Right> rights = EventExchange::rights();
    for (const std::string& name : started_) {
        const ModuleClass& type = *opened_.at(name).type;
        for (const std::string& function : type.api.names()) {
            rights.push_back({name, type.api.find(IndexValue(function))->name});
        }
        for (const std::string& right : type.rights) {
            rights.push_back({name, right});
        }
    }
    for (const Right& right : rights) {
        known.push_back(right.text());
    }
    for (const auto& [name, settings] : settings_.roles) {
        config::Path place("server.roles");
        place.push(name);
        place.push("may");
        for (std::size_t i = 0; i != settings.may.size(); ++i) {
            const std::string& pattern = settings.may[i];
            if (pattern.find('.') == std::string::npos) {
                continue;
            }
            RoleSettings alone;
            alone.may = {pattern};
            const Role role(alone);
            if (std::ranges::none_of(rights,
                                     [&](const Right& right) { return role.allows(right); })) {
                place.push(i);
                configuration_.report(place,
                                      "'" + config::printable(pattern) +
                                          "' allows nothing: no module that the app starts has "
                                          "such a function" +
                                          config::did_you_mean(pattern, known),
                                      warnings_);
                place.pop();
            }
        }
    }
}

AppCheck CheckedApp::as_module_sees_it(const std::string& module, config::Problems& problems,
                                       config::Problems& warnings) const {
    std::vector<const EventType*> types = standard_event_types();
    for (const EventType* type : event_types_.all()) {
        types.push_back(type);
    }
    AppCheck::Modules modules;
    for (const std::string& name : started_) {
        const ModuleClass& type = *opened_.at(name).type;
        modules.emplace(name, &type);
        types.insert(types.end(), type.events.begin(), type.events.end());
    }
    return {module,           configuration_,     problems, warnings,
            std::move(types), std::move(modules), runs_};
}

std::string CheckedApp::rehearse(const std::string& module, const config::Value& input) const {
    assert(sound_);
    const auto found = opened_.find(module);
    if (found == opened_.end() || std::ranges::find(started_, module) == started_.end()) {
        throw ApiException(ApiError::unknown_module,
                           "the app does not start the module '" + module + "'");
    }
    if (found->second.type->rehearse == nullptr) {
        throw ApiException(ApiError::unknown_function,
                           "the module '" + module + "' cannot tell what it would do");
    }
    config::Problems ignored;
    return found->second.type->rehearse(as_module_sees_it(module, ignored, ignored), input);
}

std::vector<Flow> CheckedApp::flows() const {
    assert(sound_);
    config::Problems ignored;
    std::vector<Flow> all;
    for (const std::string& name : started_) {
        if (const auto flows = opened_.at(name).type->flows) {
            std::ranges::move(flows(as_module_sees_it(name, ignored, ignored)),
                              std::back_inserter(all));
        }
    }
    return all;
}

config::Catalogue CheckedApp::running_sections() const {
    config::Catalogue catalogue;
    catalogue.add<ServerSettings>("server");
    for (const std::string& name : started_) {
        add_settings(catalogue, name, opened_.at(name), config::Use::running);
    }
    return catalogue;
}

const EventType* CheckedApp::declared_twice(const ModuleClass& module) const {
    for (const EventType* type : module.events) {
        if (event_types_.find(type->name()) != nullptr) {
            return type;
        }
    }
    return nullptr;
}

// Where the settings themselves are wrong, the catalogue has said so.
void CheckedApp::check_users(config::Problems& problems) const {
    config::Problems own;
    configuration_.read<ServerSettings>("server", own);
    if (!own.empty()) {
        return;
    }
    AccessRules rules;
    rules.change(settings_.roles, {});
    for (const auto& [name, user] : settings_.users) {
        config::Path place("server.users");
        place.push(name);
        if (const std::string wrong = wrong_user(user); !wrong.empty()) {
            configuration_.report(place, wrong, problems);
        }
        place.push("roles");
        for (std::size_t i = 0; i != user.roles.size(); ++i) {
            if (rules.role(user.roles[i]) == nullptr) {
                place.push(i);
                configuration_.report(
                    place, config::unknown_name("role", user.roles[i], rules.role_names()),
                    problems);
                place.pop();
            }
        }
    }
}

FoundModule CheckedApp::open(const std::string& name) {
    FoundModule found = open_or_take(name);
    if (const EventType* type = declared_twice(*found.type)) {
        throw LoadException("it has the event type '" + type->name() +
                            "', and server.events declares another of this name");
    }
    return found;
}

FoundModule CheckedApp::open_or_take(const std::string& name) {
    if (auto known = opened_.extract(name)) {
        FoundModule& found = known.mapped();
        // Other modules of the plugin take it from this one.
        std::erase_if(opened_, [&found](const auto& other) {
            return found.library != nullptr && other.second.library == found.library;
        });
        if (found.library == nullptr ||
            file_stamp(finder_.file_of(name)) == found.library->stamp()) {
            return std::move(found);
        }
    }
    return finder_.open(name);
}

void CheckedApp::change_to(CheckedApp changed) {
    assert(changed.sound());
    configuration_ = std::move(changed.configuration_);
    finder_.set_plugins_of_modules(plugins_of_modules(configuration_));
    changed.settings_.log.queue = settings_.log.queue;
    settings_.log = std::move(changed.settings_.log);
    settings_.startup = std::move(changed.settings_.startup);
    settings_.roles = std::move(changed.settings_.roles);
    settings_.users = std::move(changed.settings_.users);
    opened_ = std::move(changed.opened_);
    started_ = std::move(changed.started_);
    warnings_ = std::move(changed.warnings_);
}

}  // namespace weir
