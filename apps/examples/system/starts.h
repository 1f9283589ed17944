#pragma once

#include <string>

#include <weir/core.h>

#include "core/system/files.h"

// co_await count_start(path): returns how often it was called with this file, also by programs that
// ran before.
inline weir::Task<int> count_start(std::string path) {
    int starts = 0;
    if ((co_await weir::file_status(path)).has_value()) {
        starts = std::stoi(co_await weir::read_file(path));
    }
    co_await weir::replace_file(path, std::to_string(++starts));
    co_return starts;
}
