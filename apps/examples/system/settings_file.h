#pragma once

#include <functional>
#include <string>

#include <weir/core.h>

#include "core/system/file_watch.h"

// Calls the function with the content of a file, now and whenever that has changed and has settled.
inline weir::Task<> follow_file(std::string path, std::function<void(std::string)> function) {
    weir::FileWatch watch((co_await weir::this_routine()).scheduler(), path);
    function(co_await weir::read_file(path));
    for (;;) {
        if (co_await watch.changed(std::chrono::milliseconds(100))) {
            function(co_await weir::read_file(path));
        }
    }
}
