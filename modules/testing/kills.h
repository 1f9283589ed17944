#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// How a process ends at a call that changes a file.
enum class Kill : std::uint8_t {
    before,      ///< as by `kill -9`: the call has done nothing
    halfway,     ///< as by `kill -9`: of the bytes that the call writes, half are in the file
    power_loss,  ///< with the machine: of what was written to a file and not synced, any part is
                 ///< lost
};

/// What a run in a process of its own has said before it ended.
struct KilledRun {
    bool killed = false;  ///< false: the work has ended before
    std::vector<std::string> reports;
};

/// Tells the process that waits for a run, at once: what was reported is known although the run is
/// killed afterwards.
using Report = std::function<void(std::string_view text)>;

/// Runs the work in a process of its own, which is killed at the n-th call of its main thread that
/// changes a regular file: write, pwrite, writev, fsync, fdatasync, ftruncate, rename or unlink, in
/// any library. In a SimulatedServer, the functions of a TaskPool run on that thread, too. A test
/// that counts `nth` up until nothing is killed any more has seen each state in which a kill can
/// leave the files:
///
///     for (std::uint64_t nth = 1;; ++nth) {
///         const weir::KilledRun run = weir::run_until_killed(nth, weir::Kill::before, write_all);
///         check_files(run.reports);
///         if (!run.killed) {
///             break;
///         }
///     }
///
/// What a power loss keeps depends on `nth` only. Throws std::runtime_error if the work throws, or
/// ends its process otherwise.
KilledRun run_until_killed(std::uint64_t nth, Kill how,
                           const std::function<void(const Report&)>& work);

/// Called by the system calls, before they do what they should: kills the process, if it is time.
class KillAtWrite {
public:
    static void at_write(int descriptor, std::string_view bytes, std::int64_t offset) noexcept;
    static void at_truncation(int descriptor, std::int64_t size) noexcept;
    static void at_sync(int descriptor) noexcept;
    static void at_change_of_names() noexcept;
    /// Returns whether this thread is to be killed at all.
    static bool is_armed() noexcept;
};

}  // namespace weir
