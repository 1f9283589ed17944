#pragma once

#include <vector>

#include "core/base/histogram.h"
#include "core/run/task.h"
#include "core/wait/long_work.h"
#include "modules/lock/table.h"
#include "modules/system/call/caller.h"
#include "modules/system/call/json.h"

// Listings and statistics of locks as JSON, as the functions of the module return them. Durations
// are seconds.
namespace weir::lock_api {

// In pieces of long work for the caller, which must stay valid.
Task<Json> to_json(std::vector<LockListing> listings, Ref<LongWork> long_work,
                   const Caller& caller);
Json to_json(const std::vector<Deadlock>& deadlocks);
// Returns count, mean, quantiles, and all buckets as [upper bound, count], the shortest first.
Json to_json(const Histogram& times);
Json to_json(const LockStatistics& statistics);

}  // namespace weir::lock_api
