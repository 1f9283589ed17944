#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/document/value.h"
#include "config/settings/settings.h"
#include "modules/system/server/server.h"

namespace weir {

struct SettingsParameters {
    std::string module;

    static config::Settings<SettingsParameters> describe();
};

// A setting of a module that runs, with its value.
struct ManagedSetting {
    std::string name;
    std::string type;
    std::string allowed;
    std::string unit;
    std::string sentence;
    bool required = false;
    bool fixed = false;
    bool secret = false;
    config::Value value;
    config::Value default_value;

    static config::Settings<ManagedSetting> describe();
};

struct ChangeSettingsParameters {
    std::string module;
    std::map<std::string, config::Value> settings;

    static config::Settings<ChangeSettingsParameters> describe();
};

struct ChangedSettings {
    std::vector<std::string> changed;
    std::vector<std::string> after_reload;

    static config::Settings<ChangedSettings> describe();
};

// Returns the settings of a module that runs; a secret value is "(secret)". Throws ApiException
// with `unknown_module`.
std::vector<ManagedSetting> settings_of(Server& server, const std::string& module);

// Changes settings of a module that runs, after the checks that a file has: all of them, or, if
// anything is wrong, none. What changes so wins over all files until the configuration is read
// again. Throws ApiException with `unknown_module`, and with `bad_parameter` and all mistakes.
ChangedSettings change_settings(Server& server, const ChangeSettingsParameters& parameters);

}  // namespace weir
