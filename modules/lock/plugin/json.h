#pragma once

#include <vector>

#include "modules/lock/histogram.h"
#include "modules/lock/table.h"
#include "modules/system/call/json.h"

// Insight into locks, as the module's API answers. Durations are seconds.
namespace weir::lock_api {

Json to_json(const std::vector<LockListing>& listings);
Json to_json(const std::vector<Deadlock>& deadlocks);
// With the quantiles that people ask for, and all buckets: [upper bound, count], the shortest
// first.
Json to_json(const Histogram& times);
Json to_json(const LockStatistics& statistics);

}  // namespace weir::lock_api
