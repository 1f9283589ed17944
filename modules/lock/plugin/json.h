#pragma once

#include <vector>

#include "core/base/histogram.h"
#include "core/run/task.h"
#include "modules/lock/table.h"
#include "modules/system/call/json.h"

// Listings and statistics of locks as JSON, as the functions of the module return them. Durations
// are seconds.
namespace weir::lock_api {

// Lets other routines run after each few hundred holders and waiters.
Task<Json> to_json(std::vector<LockListing> listings);
Json to_json(const std::vector<Deadlock>& deadlocks);
// Returns count, mean, quantiles, and all buckets as [upper bound, count], the shortest first.
Json to_json(const Histogram& times);
Json to_json(const LockStatistics& statistics);

}  // namespace weir::lock_api
