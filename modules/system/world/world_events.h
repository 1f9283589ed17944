#pragma once

#include <cstdint>
#include <string>

#include "core/base/clock.h"
#include "core/calendar/schedule.h"
#include "core/run/task.h"
#include "core/system/datagram_socket.h"
#include "modules/system/event/describe_event.h"

/// Events of what happens outside the program, declared with all their members: queues order and
/// limit them, rules act on them, and clients watch them, as they do with events of a module. Each
/// kind has a task that sends them, for a routine of the module that wants them:
///
///     static auto declare() {
///         return declare_module<Prices>("prices", "Reads prices").event<FileChanged>();
///     }
///     void begin() override { start(send_file_changes("prices.json", 200ms), {.daemon = true}); }
///
/// The tasks wait while the queue of their events is full, and end when their routine is closed.
namespace weir {

enum class FileChange { made, written, removed };

inline config::EnumNames<FileChange> names_of(FileChange) {
    return {{"made", FileChange::made},
            {"written", FileChange::written},
            {"removed", FileChange::removed}};
}

/// A file that is watched was made, written or removed. A file that another one replaces was
/// written.
struct FileChanged : Event {
    Index<std::string> path;
    Index<FileChange> change;
    std::uint64_t size = 0;
    std::string modified;

    static auto declare() {
        return portable_event<FileChanged>(
            "weir.FileChanged", "A file that is watched has changed",
            member("path", &FileChanged::path, "The file, as the watch names it"),
            member("change", &FileChanged::change, "What has become of it"),
            member("size", &FileChanged::size, "How long it is now").unit("bytes"),
            member("modified", &FileChanged::modified,
                   "When it was written, in UTC, as \"2026-12-24T18:00:00Z\"; \"\": it is gone"));
    }
};

enum class DatagramCoding { text, hex };

inline config::EnumNames<DatagramCoding> names_of(DatagramCoding) {
    return {{"text", DatagramCoding::text}, {"hex", DatagramCoding::hex}};
}

/// A datagram has arrived.
struct DatagramReceived : Event {
    Index<std::string> socket;
    Index<std::string> sender;
    std::string data;
    DatagramCoding coding = DatagramCoding::text;
    bool cut = false;
    std::uint64_t dropped = 0;

    static auto declare() {
        using E = DatagramReceived;
        return portable_event<E>(
            "weir.DatagramReceived", "A datagram has arrived",
            member("socket", &E::socket, "Name of the socket, which its owner has given"),
            member("sender", &E::sender, "Address of the sender, as \"udp://10.0.0.7:514\""),
            member("data", &E::data, "The datagram"),
            member("coding", &E::coding, "How it is written: hex, if it is not UTF-8"),
            member("cut", &E::cut, "Whether it was longer, and the rest is lost"),
            member("dropped", &E::dropped,
                   "How many datagrams the system has dropped at this socket until now"));
    }

    /// Returns the bytes of the datagram.
    std::string bytes() const;
};

/// A time of a schedule has come.
struct TimeReached : Event {
    Index<std::string> timer;
    std::string due;

    static auto declare() {
        return portable_event<TimeReached>(
            "weir.TimeReached", "A time of a schedule has come",
            member("timer", &TimeReached::timer, "Name of the timer, which its owner has given"),
            member("due", &TimeReached::due, "The time, in UTC, as \"2026-12-24T18:00:00Z\""));
    }
};

/// Sends a FileChanged each time the file has another content, or is another one, and has then
/// stayed the same for the time `settled`. Changes that follow each other faster, or while the
/// queue is full, come as one. Throws what the constructor of FileWatch throws.
Task<> send_file_changes(std::string path, Duration settled = Duration::zero());

/// Sends a DatagramReceived for each datagram. While the queue is full the system keeps what
/// arrives, and drops and counts what it has no room for. Throws SocketError.
Task<> send_datagrams(std::string name, DatagramSocket socket);

/// Sends a TimeReached at each time of the schedule, and ends when there is no more. Times that
/// pass while the queue is full, or the machine sleeps, come as one: see CalendarTimer. Throws
/// SystemError if no file descriptors are left.
Task<> send_times(std::string name, Schedule schedule);

}  // namespace weir
