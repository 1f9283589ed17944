#pragma once

namespace weir::app {

// Runs the command that the arguments of main() say. Returns the exit code of the program. Throws
// what the command throws.
int run_command_line(int argc, char** argv);

}  // namespace weir::app
