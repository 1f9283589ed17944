#pragma once

#include <vector>

#include "core/queue/queue.h"
#include "core/run/task.h"
#include "core/run/wait.h"
#include "core/wait/wait_for_all.h"

namespace weir {

/// co_await wait_for_empty(queue): waits until the queue and all queues below it are empty.
Task<> wait_for_empty(Ref<Queue> queue);

/// co_await wait_for_all_empty(queues): waits until all queues are empty at the same time.
Task<> wait_for_all_empty(std::vector<Ref<Queue>> queues);

}  // namespace weir
