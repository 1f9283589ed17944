#include "apps/weir/metrics_command.h"

#include <cstdio>
#include <exception>
#include <string>

#include "apps/weir/exit_code.h"
#include "apps/weir/figures.h"
#include "apps/weir/output.h"
#include "config/text/quoted.h"
#include "modules/system/call/json.h"

namespace weir::app {

int run_metrics_command(const RemoteAddress& address) {
    try {
        RemoteServer server(address);
        const Json text = Json::parse(server.call("manager", "metrics", "{}"));
        print(printable_json(text.get<std::string>()));
        return success;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "weir metrics: %s\n", config::printable(error.what(), 2000).c_str());
        return failure;
    }
}

}  // namespace weir::app
