#pragma once

// <weir/testing.h>: the kit for tests of modules. Link with weir::testing, which is the kit and
// Catch2, or with weir::kit for another test framework.

#include "modules/testing/allocations.h"
#include "modules/testing/fake_modules.h"
#include "modules/testing/framework.h"
#include "modules/testing/kills.h"
#include "modules/testing/live_server.h"
#include "modules/testing/queue_kind.h"
#include "modules/testing/seeds.h"
#include "modules/testing/simulated_server.h"
#include "modules/testing/writes.h"
