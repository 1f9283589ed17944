#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "core/base/log.h"
#include "modules/system/log/settings.h"

namespace weir {

// Writes a log to standard error or a file, on a thread of its own. Whoever logs never waits for
// that: lines are copied into a queue, and when it is full, because the disk is slow or nobody
// reads the pipe, the oldest in it are dropped. How many is said in the log, in their place.
//
// A line that cannot be written, as when the disk is full, counts as dropped too; what is wrong is
// said on standard error, and writing is tried again with the next line.
//
// write() and dropped() may be called from any thread, the rest from one.
class LogWriter {
public:
    // How long the end of a program waits for lines to be written.
    static constexpr std::chrono::milliseconds flush_limit{2000};

    // Opens the file; throws std::runtime_error if that cannot be done.
    explicit LogWriter(LogSettings settings);
    // Writes what waits, as flush() does. If that hangs, its thread is left behind.
    ~LogWriter();
    LogWriter(const LogWriter&) = delete;
    LogWriter& operator=(const LogWriter&) = delete;

    // Of any level: that is for the caller to decide. Nothing of the record is referred to later.
    void write(const LogRecord& record) noexcept;

    // Format and file of the lines that follow; the size of the queue stays. If the file cannot be
    // opened, the log goes on where it was and says so.
    void change(LogSettings settings);
    // Opens the file anew for the lines that follow: it may have been renamed meanwhile.
    void reopen();

    // Waits until all is written or dropped, so long at most; whether it is.
    bool flush(std::chrono::milliseconds limit = flush_limit);

    // How many lines were lost so far.
    std::uint64_t dropped() const noexcept;

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace weir
