#pragma once

#include <weir/core.h>

#include "core/system/process.h"

// Runs a program, for so long at most. Returns how it has ended.
inline weir::Task<weir::ProcessExit> run_within(weir::Duration limit,
                                                weir::ProcessOptions options) {
    weir::Process process((co_await weir::this_routine()).scheduler(), options);
    if (const auto exit = co_await weir::execute_with_timeout(limit, process.wait())) {
        co_return *exit;
    }
    co_return co_await process.stop(std::chrono::seconds(2));
}
