#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/simulation.h"
#include "modules/server.h"

namespace weir {

// A server in a world of virtual time, for tests of modules:
//
//     weir::SimulatedServer world(R"({"server": {"startup": ["hello"]}})", registry);
//     world.run(ask(world.server()));   // a Task<>
//     CHECK(world.log() == "");
//
// Plugins are looked for where WEIR_PLUGIN_PATH says, folders separated by ':', which weir_plugin
// sets for tests; the configuration's `server.plugin_path` wins.
class SimulatedServer {
public:
    // Throws std::invalid_argument with all problems of the configuration, if it has some.
    explicit SimulatedServer(std::string configuration, Registry registry = {},
                             std::uint64_t seed = 1)
        : simulation_(seed),
          server_(simulation_, read(std::move(configuration)),
                  {.registry = std::move(registry), .log = [this](const LogRecord& record) {
                       if (record.level >= LogLevel::warning) {
                           log_ += std::string(to_string(record.level)) + ": " +
                                   std::string(record.text) + "\n";
                       }
                   }}) {}

    Simulation& simulation() noexcept { return simulation_; }
    Server& server() noexcept { return server_; }
    Scheduler& scheduler() noexcept { return server_.scheduler(); }
    Loader& loader() noexcept { return server_.loader(); }
    // Warnings and errors that were logged so far, one line each.
    const std::string& log() const noexcept { return log_; }

    // Runs the server with a routine for the task, until nothing can happen any more.
    void run(Task<> task) {
        Container container(server_.scheduler());
        container.start(std::move(task), {.name = "test"});
        server_.run();
    }

    static config::Configuration read(std::string text) {
        config::Sources sources;
#ifdef WEIR_PLUGIN_PATH
        sources.files.push_back({"(built in)", plugin_path(WEIR_PLUGIN_PATH)});
#endif
        sources.files.push_back({"app.json", std::move(text)});
        config::Problems problems;
        config::Configuration configuration = config::Configuration::load(sources, problems);
        if (!problems.empty()) {
            throw std::invalid_argument(problems.text());
        }
        return configuration;
    }

private:
    // The configuration that names these folders, separated by ':'.
    static std::string plugin_path(std::string_view folders) {
        Json path = Json::array();
        while (!folders.empty()) {
            const std::size_t end = std::min(folders.find(':'), folders.size());
            path.push_back(folders.substr(0, end));
            folders.remove_prefix(std::min(end + 1, folders.size()));
        }
        return Json{{"server", {{"plugin_path", path}}}}.dump();
    }

    std::string log_;
    Simulation simulation_;
    Server server_;
};

}  // namespace weir
