#include "apps/weir/call_command.h"

#include <cstdio>

#include <nlohmann/json.hpp>

#include "apps/weir/exit_code.h"
#include "apps/weir/figures.h"
#include "apps/weir/output.h"
#include "config/text/quoted.h"

namespace weir::app {

int run_call_command(const CallCommand& call) {
    if (!nlohmann::json::accept(call.parameters)) {
        std::fprintf(stderr, "weir call: the parameters are no JSON: %s\n",
                     config::printable(call.parameters, 300).c_str());
        return wrong_usage;
    }
    try {
        RemoteServer server(call.server);
        const std::string text = server.call(call.module, call.function, call.parameters);
        const auto result = nlohmann::ordered_json::parse(text, nullptr, false);
        print(printable_json(result.is_discarded() ? text : result.dump(2)) + '\n');
        return success;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "weir call: %s\n", error.what());
        return failure;
    }
}

}  // namespace weir::app
