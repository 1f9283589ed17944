#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "core/base/log.h"
#include "modules/system/log/settings.h"

namespace weir {

// Writes the lines of a log to standard error or a file, on a thread of its own. Logging never
// waits for that: write() copies the line into a queue. When the queue is full, because the disk is
// slow or no process reads the pipe, its oldest lines are dropped; the log says in their place how
// many.
//
// A line that cannot be written, as when the disk is full, is dropped and counted too. Standard
// error says what is wrong, and the next line is tried again.
//
// write() and dropped() may be called on any thread, the other functions on one.
class LogWriter {
public:
    // How long a program that ends waits for its last lines to be written.
    static constexpr std::chrono::milliseconds flush_limit{2000};

    // Opens the file. Throws std::runtime_error if that fails.
    explicit LogWriter(LogSettings settings);
    // Writes the lines that wait, as flush() does. If that hangs, the thread is left behind.
    ~LogWriter();
    LogWriter(const LogWriter&) = delete;
    LogWriter& operator=(const LogWriter&) = delete;

    // Queues a line, whatever its level. Copies all of the record.
    void write(const LogRecord& record) noexcept;

    // Changes format and file for the lines that follow; the size of the queue stays. If the file
    // cannot be opened, the log goes on where it was, and says so there and on standard error.
    void change(LogSettings settings);
    // Opens the file anew for the lines that follow, as after it was renamed.
    void reopen();

    // Waits until all lines are written or dropped, at most for `limit`. Returns whether they are.
    bool flush(std::chrono::milliseconds limit = flush_limit);

    // Returns how many lines were lost so far.
    std::uint64_t dropped() const noexcept;

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace weir
