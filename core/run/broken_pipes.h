#pragma once

namespace weir {

/// Lets a write to a pipe or socket whose reader has closed it fail, instead of ending the process
/// by SIGPIPE. Does nothing if the program handles the signal in another way. Thread-safe.
void ignore_broken_pipes() noexcept;

}  // namespace weir
