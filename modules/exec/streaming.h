#pragma once

#include <functional>
#include <string>

#include "core/run/task.h"
#include "core/system/run_program.h"

namespace weir::exec {

// Called for each line that a program writes, without its end; `of_errors`: to its standard error.
// The program is read no further before it returns.
using OnLine = std::function<Task<>(std::string line, bool of_errors)>;

// co_await run_and_tell(options, input, limits, on_line): runs a program as run_program() does, and
// tells each line when it comes, unless `on_line` is empty. A line of more than 64 KiB comes in
// parts. What `on_line` throws ends the program, and so does the end of this process: see
// GroupGuard.
Task<RunResult> run_and_tell(ProcessOptions options, std::string input, RunLimits limits,
                             OnLine on_line);

}  // namespace weir::exec
