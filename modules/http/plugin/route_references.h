#pragma once

#include <vector>

namespace weir {

class AppCheck;
struct Flow;

}  // namespace weir

namespace weir::http {

struct RouteSettings;

// Reports routes that name what the app does not have: functions, limits, parts of their paths.
void check_routes(const AppCheck& app, const std::vector<RouteSettings>& routes);

// Returns what requests lead to: functions, limits, servers behind.
std::vector<Flow> flows_of_routes(const AppCheck& app);

}  // namespace weir::http
