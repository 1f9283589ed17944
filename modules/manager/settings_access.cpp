#include "modules/manager/settings_access.h"

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <utility>

#include "config/text/nearest_name.h"
#include "config/text/quoted.h"
#include "modules/system/call/api_error.h"
#include "modules/system/module/module.h"
#include "modules/system/server/loader.h"

namespace weir {

using config::setting;

config::Settings<SettingsParameters> SettingsParameters::describe() {
    return config::settings<SettingsParameters>(
        "Lists the settings of a module that runs, with their values",
        setting("module", &SettingsParameters::module, "Its name").not_empty().required());
}

config::Settings<ManagedSetting> ManagedSetting::describe() {
    using M = ManagedSetting;
    return config::settings<M>(
        "A setting", setting("name", &M::name, "Its name"), setting("type", &M::type, "Its type"),
        setting("allowed", &M::allowed, "Which values it may have; empty: any of the type"),
        setting("unit", &M::unit, "What a number counts"),
        setting("sentence", &M::sentence, "What it is for"),
        setting("required", &M::required, "Whether it has no default"),
        setting("fixed", &M::fixed, "Whether it changes only when the module is reloaded"),
        setting("secret", &M::secret, "Whether its value is not shown"),
        setting("value", &M::value, "Its value, as in a file; (secret) if it is secret"),
        setting("default", &M::default_value, "Its default"));
}

config::Settings<ChangeSettingsParameters> ChangeSettingsParameters::describe() {
    using P = ChangeSettingsParameters;
    return config::settings<P>(
        "Changes settings of a module that runs, until the configuration is read again (SIGHUP) or "
        "the server ends",
        setting("module", &P::module, "Its name").not_empty().required(),
        setting("settings", &P::settings, "The new values, by the names of the settings")
            .not_empty()
            .required());
}

config::Settings<ChangedSettings> ChangedSettings::describe() {
    using C = ChangedSettings;
    return config::settings<C>(
        "What has changed", setting("changed", &C::changed, "Settings that have their new values"),
        setting("after_reload", &C::after_reload,
                "Settings that get them when the module is reloaded"));
}

namespace {

// Returns a module that runs and has settings.
const Module& configurable_module(Server& server, const std::string& name) {
    const Module* const module = server.loader().find(name);
    if (module == nullptr || module->type().settings == nullptr) {
        throw ApiException(std::string(ApiError::unknown_module),
                           "the module '" + config::printable(name) +
                               (module == nullptr ? "' does not run" : "' has no settings"));
    }
    return *module;
}

// Notes the names of the settings that a value gives: those of a nested struct each, with those
// that change only in a reload apart.
void note_given(const config::Setting& setting, const config::Value& value, const std::string& name,
                ChangedSettings& given) {
    const config::Nested nested = setting.type->nested();
    const auto* const members = value.get<config::Value::Object>();
    if (setting.fixed || !nested.is_member || members == nullptr || members->empty()) {
        (setting.fixed ? given.after_reload : given.changed).push_back(name);
        return;
    }
    for (const config::Member& member : *members) {
        // An unknown one is a mistake, which is reported when the settings are read.
        if (const config::Setting* const inner = nested.description->find(member.name)) {
            note_given(*inner, member.value, name + "." + inner->name, given);
        }
    }
}

// Whether a text in the value stands for one that was not shown. Set, it would replace the secret.
bool has_hidden(const config::Value& value) {
    if (const auto* list = value.get<config::Value::List>()) {
        return std::ranges::any_of(*list, has_hidden);
    }
    if (const auto* members = value.get<config::Value::Object>()) {
        return std::ranges::any_of(
            *members, [](const config::Member& member) { return has_hidden(member.value); });
    }
    return value == config::Value("(secret)");
}

}  // namespace

std::vector<ManagedSetting> settings_of(Server& server, const std::string& module) {
    const Module& configured = configurable_module(server, module);
    const config::Description& description = *configured.type().settings;
    const std::shared_ptr<void> defaults = description.make();
    std::vector<ManagedSetting> result;
    for (const config::Setting& one : description.settings()) {
        result.push_back({one.name, one.type->name(), one.type->allowed(), one.unit, one.sentence,
                          one.required, one.fixed, one.secret,
                          one.shown_value(configured.settings_object()),
                          one.shown_value(defaults.get())});
    }
    return result;
}

ChangedSettings change_settings(Server& server, const ChangeSettingsParameters& parameters) {
    const Module& module = configurable_module(server, parameters.module);
    const config::Description& description = *module.type().settings;
    config::Configuration changed = server.configuration();
    ChangedSettings result;
    for (const auto& [name, value] : parameters.settings) {
        const config::Setting* const found = description.find(name);
        if (found == nullptr) {
            throw ApiException(std::string(ApiError::bad_parameter),
                               config::unknown_name("setting", name, description.names()));
        }
        if (has_hidden(value)) {
            throw ApiException(std::string(ApiError::bad_parameter),
                               name +
                                   ": (secret) stands for a value that is not shown; write the "
                                   "value itself");
        }
        note_given(*found, value, found->name, result);
        changed = changed.with("module." + module.name() + "." + found->name, value,
                               "manager.change_settings");
    }
    try {
        server.reconfigure(std::move(changed));
    } catch (const std::invalid_argument& mistakes) {
        throw ApiException(std::string(ApiError::bad_parameter), mistakes.what());
    }
    return result;
}

}  // namespace weir
