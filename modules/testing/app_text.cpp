#include "modules/testing/app_text.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include "modules/system/call/json.h"

namespace weir {

namespace {

// Returns the configuration of these folders, separated by ':'.
std::string plugin_path_json(std::string_view folders) {
    Json path = Json::array();
    while (!folders.empty()) {
        const std::size_t end = std::min(folders.find(':'), folders.size());
        path.push_back(folders.substr(0, end));
        folders.remove_prefix(std::min(end + 1, folders.size()));
    }
    return Json{{"server", {{"plugin_path", path}}}}.dump();
}

}  // namespace

config::Configuration read_app_text(std::string_view text, std::string_view plugin_path,
                                    config::Environment environment) {
    config::Sources sources;
    if (!plugin_path.empty()) {
        sources.files.push_back({"(built in)", plugin_path_json(plugin_path)});
    }
    sources.files.push_back({"app.json", std::string(text)});
    sources.environment = std::move(environment);
    config::Problems problems;
    config::Configuration configuration = config::Configuration::load(sources, problems);
    if (!problems.empty()) {
        throw std::invalid_argument(problems.text());
    }
    return configuration;
}

}  // namespace weir
