#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "core/base/clock.h"
#include "core/run/task.h"
#include "core/system/process.h"

namespace weir {

struct RunLimits {
    /// After so long the program is stopped: SIGTERM, and SIGKILL if it has not ended after
    /// `patience`.
    std::optional<Duration> time = {};
    Duration patience = std::chrono::seconds(2);
    /// Of what the program writes to each of its files; what is beyond is read and dropped.
    std::size_t output = 16 * 1024 * 1024;
};

/// What a program has written, and how it has ended.
struct RunResult {
    ProcessExit exit;
    std::string output;
    std::string errors;
    bool timed_out = false;  ///< it was stopped when its time was over
    bool cut = false;        ///< it has written more than the limit
};

/// co_await run_program({.command = {"git", "status"}}): runs a program to its end, writes `input`
/// to its standard input, and returns what it writes to its standard output and standard error,
/// whatever the options say of these. Returns when the program has ended and has closed its files,
/// or its time limit expires. Then, and when the routine is closed, no process of it is left.
/// Throws SystemError if the program cannot be started.
Task<RunResult> run_program(ProcessOptions options, std::string input = {}, RunLimits limits = {});

}  // namespace weir
