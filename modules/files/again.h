#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <string>

#include "core/run/routine.h"
#include "core/run/task.h"
#include "core/wait/timeout.h"

namespace weir::files {

inline constexpr Duration pause_after_failure = std::chrono::seconds(1);

// Runs what `begin` makes, which never ends of itself, until the routine is closed: again a second
// after each failure, which it passes to `failed` first.
inline Task<> run_again_after_failures(std::function<Task<>()> begin,
                                       std::function<void(const std::string& failure)> failed) {
    for (;;) {
        std::string failure;
        try {
            Task<> running = begin();
            co_await running;
        } catch (const QuitException&) {
            throw;
        } catch (const std::exception& error) {
            failure = error.what();
        }
        failed(failure);
        co_await sleep(pause_after_failure);
    }
}

}  // namespace weir::files
