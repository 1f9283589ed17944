#include "apps/weir/app_configuration.h"

#include <array>

#include <nlohmann/json.hpp>
#include <uv.h>

namespace weir::app {

namespace fs = std::filesystem;

fs::path own_program_folder() {
    std::array<char, 4096> path{};
    std::size_t size = path.size();
    if (uv_exepath(path.data(), &size) != 0) {
        return {};
    }
    return fs::path(std::string(path.data(), size)).parent_path();
}

std::string own_plugin_folder() {
    const fs::path folder = own_program_folder();
    for (const char* beside : {"../lib/weir", "../plugins"}) {
        const fs::path plugins = (folder / beside).lexically_normal();
        std::error_code ignored;
        if (fs::is_directory(plugins, ignored)) {
            return plugins.string();
        }
    }
    return "plugins";
}

std::vector<std::string> plugin_path(std::vector<std::string> folders) {
    folders.push_back(own_plugin_folder());
    return folders;
}

config::Configuration load_configuration(const AppFiles& app, config::Problems& problems) {
    config::Sources sources;
    const nlohmann::json built_in{{"server", {{"plugin_path", plugin_path({})}}}};
    sources.files.emplace_back(built_in_source, built_in.dump());
    for (const std::string& file : app.files) {
        sources.files.emplace_back(file);
    }
    if (!app.plugins.empty()) {
        sources.sets.push_back("server.plugin_path=" +
                               nlohmann::json(plugin_path(app.plugins)).dump());
    }
    sources.sets.insert(sources.sets.end(), app.sets.begin(), app.sets.end());
    sources.environment = config::process_environment();
    return config::Configuration::load(sources, problems);
}

}  // namespace weir::app
