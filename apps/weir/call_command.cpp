#include "apps/weir/call_command.h"

#include <cstdio>

#include <nlohmann/json.hpp>

#include "apps/weir/exit_code.h"
#include "apps/weir/remote_server.h"

namespace weir::app {

int run_call_command(const std::string& address, const std::string& module,
                     const std::string& function, const std::string& parameters) {
    if (!nlohmann::json::accept(parameters)) {
        std::fprintf(stderr, "weir call: the parameters are no JSON: %s\n", parameters.c_str());
        return wrong_usage;
    }
    try {
        RemoteServer server(address);
        const std::string text = server.call(module, function, parameters);
        const auto result = nlohmann::ordered_json::parse(text, nullptr, false);
        std::puts(result.is_discarded() ? text.c_str() : result.dump(2).c_str());
        return success;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "weir call: %s\n", error.what());
        return failure;
    }
}

}  // namespace weir::app
