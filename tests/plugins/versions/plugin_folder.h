#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <stdlib.h>

#include "core/wait/timeout.h"
#include "modules/testing/simulated_server.h"

namespace weir::test {

using Texts = std::vector<std::string>;

/// A folder of plugins that exists while the object lives.
class PluginFolder {
public:
    PluginFolder() : path_("/tmp/weir-test-XXXXXX") {
        if (mkdtemp(path_.data()) == nullptr) {
            throw std::runtime_error("no folder for plugins");
        }
    }
    PluginFolder(const PluginFolder&) = delete;
    PluginFolder& operator=(const PluginFolder&) = delete;
    ~PluginFolder() { std::filesystem::remove_all(path_); }

    void put(const std::string& name, const std::string& version) const {
        copy(std::string(WEIR_TEST_PLUGINS "/") + version + "/" + name + ".so", name);
    }
    void put_installed(const std::string& name) const {
        copy(std::string(WEIR_PLUGINS "/") + name + ".so", name);
    }

    const std::string& path() const { return path_; }
    std::string configuration(const Texts& startup, Json modules = Json::object()) const {
        return Json{{"server", {{"plugin_path", {path_}}, {"startup", startup}}},
                    {"module", std::move(modules)}}
            .dump();
    }

private:
    void copy(const std::string& from, const std::string& name) const {
        std::filesystem::copy_file(from, path_ + "/" + name + ".so",
                                   std::filesystem::copy_options::overwrite_existing);
    }

    std::string path_;
};

/// Returns the result as JSON, or the error.
inline Task<std::string> ask(std::string module, std::string function, Json parameters) {
    const ApiResult<Json> result =
        co_await call(std::move(module), std::move(function), std::move(parameters));
    co_return result ? result.value().dump() : to_text(result.error());
}

/// Awaits the task. Sets `what` to why it failed.
inline Task<> tell(Task<> task, std::string& what) {
    what.clear();
    try {
        co_await task;
    } catch (const LoadException& exception) {
        what = exception.what();
    }
}

inline Task<> wait_for_startup(Server& server, std::string name) {
    while (server.loader().state(name) != ModuleState::succeeded) {
        co_await sleep(std::chrono::milliseconds(1));
    }
}

}  // namespace weir::test
