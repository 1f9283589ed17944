#include "apps/weir/metrics_command.h"

#include <cstdio>
#include <exception>
#include <string>

#include "apps/weir/exit_code.h"
#include "apps/weir/output.h"
#include "modules/system/call/json.h"

namespace weir::app {

int run_metrics_command(const RemoteAddress& address) {
    try {
        RemoteServer server(address);
        print(Json::parse(server.call("manager", "metrics", "{}")).get<std::string>());
        return success;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "weir metrics: %s\n", error.what());
        return failure;
    }
}

}  // namespace weir::app
