#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/run/system_error.h"
#include "core/run/task.h"
#include "core/stream/byte_stream.h"
#include "core/system/descriptor.h"
#include "core/system/file_descriptor.h"

namespace weir {

class Scheduler;

/// What one of the three standard files of a process is.
enum class StandardFile {
    nothing,    ///< /dev/null
    inherited,  ///< the same as this program's
    piped,      ///< a pipe, of which this program has the other end
};

struct ProcessOptions {
    /// The program, looked up in this program's PATH unless it has a slash, and its arguments.
    std::vector<std::string> command;
    /// Variables that differ from this program's; without a value: removed.
    std::map<std::string, std::optional<std::string>> environment = {};
    /// The process has only the variables above.
    bool clear_environment = false;
    /// The working folder; empty: this program's.
    std::string folder = {};
    StandardFile input = StandardFile::nothing;
    StandardFile output = StandardFile::inherited;
    StandardFile errors = StandardFile::inherited;
};

/// How a process has ended.
struct ProcessExit {
    int code = 0;    ///< that it returned; 0 if a signal ended it
    int signal = 0;  ///< that ended it; 0: none

    bool success() const noexcept { return code == 0 && signal == 0; }
    /// Returns "exited with code 3", "was ended by signal 9 (Killed)".
    std::string text() const;
};

/// Returns why this program cannot execute a file, as "there is no file /bin/x"; "" if it can.
std::string why_not_executable(const std::string& file);

/// A running process, with all processes of its group: those that it starts, unless they leave the
/// group as daemons do. The group ends with this object, whether it is destroyed by the end of its
/// scope or because its routine is closed: no process is left, and no zombie.
///
///     Process backup(scheduler, {.command = {"tar", "-cf", "/backup.tar", "/data"}});
///     const ProcessExit exit = co_await backup.wait();
///
/// The process has a session of its own, with no terminal, the default action for every signal, and
/// no open files but its standard ones. Needs Linux 5.4 or later. Belongs to the scheduler's
/// thread; the scheduler must outlive it.
class Process {
public:
    /// Starts the process. Throws SystemError if that fails, with the program's name;
    /// std::invalid_argument without a command; std::logic_error in a simulation.
    Process(Scheduler& scheduler, const ProcessOptions& options);
    /// Sends SIGKILL to all processes of the group, also if the first has ended already. Does not
    /// wait; a thread of libuv does, and the poller waits for that before it is destroyed.
    ~Process();
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    int pid() const noexcept { return pid_; }

    /// co_await process.wait(): returns when the first process has ended, how it did. Any number of
    /// routines may wait, before and after its end. Others of the group may still run.
    Task<ProcessExit> wait();
    /// Returns how it has ended; nothing: it runs.
    std::optional<ProcessExit> exit();
    /// Returns the matcher of an event that comes when the process has ended, or has already, to
    /// wait for that beside other events: any_of(process.ended(), stop). Call it anew for each
    /// wait.
    const MatcherOf<DescriptorEvent>& ended();

    /// Sends the signal to all processes of the group.
    void send_signal(int number) noexcept;
    /// Sends SIGTERM to the group and waits for `patience`; then sends SIGKILL. Returns when the
    /// first process has ended.
    Task<ProcessExit> stop(Duration patience);

    /// Return this program's end of a piped file; later calls return none. To end the process's
    /// input, close it. A write to a process that no longer reads fails with EPIPE: the first
    /// process with a piped input makes this program ignore SIGPIPE.
    FileDescriptor take_input() noexcept { return std::move(pipes_[0]); }
    FileDescriptor take_output() noexcept { return std::move(pipes_[1]); }
    FileDescriptor take_errors() noexcept { return std::move(pipes_[2]); }

    /// Return the same ends as streams: routines write and read them in straight code, with
    /// deadlines and backpressure, and copy between processes, files and sockets. A process that
    /// does not read stops the writer, one whose output is not read stops. shutdown() of the input
    /// ends it. Throw std::logic_error if the file is not piped or was taken before.
    ///
    ///     Process sort(scheduler, {.command = {"sort"}, .input = StandardFile::piped});
    ///     const ByteStream::Owner names = sort.input_stream();
    ///     co_await file->copy_to(*names);
    ///     co_await names->shutdown();
    ByteStream::Owner input_stream(const StreamOptions& options = {}) { return stream(0, options); }
    ByteStream::Owner output_stream(const StreamOptions& options = {}) {
        return stream(1, options);
    }
    ByteStream::Owner errors_stream(const StreamOptions& options = {}) {
        return stream(2, options);
    }

private:
    ByteStream::Owner stream(int number, const StreamOptions& options);

    Scheduler& scheduler_;
    const std::string program_;
    FileDescriptor pipes_[3];
    int pid_ = 0;
    std::optional<DescriptorWatch> end_;  // of a pidfd: readable when the process has ended
    std::optional<ProcessExit> exit_;
};

}  // namespace weir
