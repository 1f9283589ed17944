#include "apps/weir/config_command.h"

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "apps/weir/exit_code.h"
#include "apps/weir/output.h"
#include "config/settings/catalogue.h"
#include "config/settings/effective.h"
#include "config/text/joined.h"
#include "modules/system/server/checked_app.h"

namespace weir::app {

namespace {

std::string source_of(const config::EffectiveSetting& setting) {
    const config::Position& position = setting.position;
    if (position.source == nullptr) {
        return "default";
    }
    return position.source->name == built_in_source ? "the program" : config::to_text(position);
}

std::string text_of(const std::vector<config::EffectiveSetting>& settings) {
    std::string text;
    for (const config::EffectiveSetting& setting : settings) {
        text += setting.path + " = " + config::to_json(setting.value) + "  (" + source_of(setting);
        if (!setting.variables.empty()) {
            text += ", by " + config::joined(setting.variables, ", ");
        }
        text += ")\n";
    }
    return text;
}

std::string json_of(const std::vector<config::EffectiveSetting>& settings) {
    config::Value all = config::Value::list();
    for (const config::EffectiveSetting& setting : settings) {
        config::Value variables = config::Value::list();
        for (const std::string& name : setting.variables) {
            variables.add(name);
        }
        config::Value one = config::Value::object();
        one.add("setting", setting.path).add("value", setting.value);
        one.add("from", source_of(setting)).add("variables", std::move(variables));
        all.add(std::move(one));
    }
    return config::to_json(all, 2) + '\n';
}

}  // namespace

int run_config_command(const ConfigCommand& command) {
    config::Problems problems;
    config::Configuration configuration = load_configuration(command.app, problems);
    const CheckedApp app(std::move(configuration), {}, problems);
    if (!problems.empty()) {
        std::fputs(problems.text().c_str(), stderr);
        return wrong_usage;
    }
    std::vector<config::EffectiveSetting> settings;
    const config::Catalogue catalogue = app.running_sections();
    for (const config::Section& section : catalogue.sections()) {
        for (const config::Description* part : section.parts) {
            for (config::EffectiveSetting& setting :
                 config::effective_settings(app.configuration(), section.path, *part)) {
                if (!command.given || setting.position.source != nullptr) {
                    settings.push_back(std::move(setting));
                }
            }
        }
    }
    print(command.json ? json_of(settings) : text_of(settings));
    return success;
}

}  // namespace weir::app
