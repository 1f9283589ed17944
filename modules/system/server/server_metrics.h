#pragma once

#include <vector>

#include "modules/system/metrics/metric_family.h"

namespace weir {

class Server;

// Returns all metrics of a server as they are now: those of the process, the scheduler, its queues
// and the modules, and those that the modules declare. Takes time in proportion to the number of
// queues and routines. Queues that a module makes for its clients, as those of semaphores, count in
// the queue above.
std::vector<MetricFamily> collect_metrics(Server& server);

}  // namespace weir
