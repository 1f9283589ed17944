#pragma once

namespace weir::app {

// Opens /dev/null for each of the descriptors 0, 1 and 2 that is closed. Otherwise the next file or
// connection that the program opens becomes its standard input, output or error: a connection would
// then receive the log, or what a command prints. Must be called before anything else is opened.
void open_missing_standard_files() noexcept;

// The width of the terminal that standard output is, in characters; `otherwise` if it is none.
unsigned output_width(unsigned otherwise) noexcept;

}  // namespace weir::app
