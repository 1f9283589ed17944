#pragma once

// <weir/lock.h>: locks and semaphores. Link with weir::lock; the module `lock` makes their queue.

#include "modules/lock/errors.h"
#include "modules/lock/lease.h"
#include "modules/lock/lock.h"
#include "modules/lock/semaphore.h"
#include "modules/lock/session.h"
