#pragma once

namespace weir::app {

// Reads a password, twice without echo from a terminal, else a line of standard input, and prints
// its hash, for `password_hash` of a user. Returns the exit code.
int run_password_command();

}  // namespace weir::app
