#include "modules/system/world/world_events.h"

#include <charconv>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

#include "config/text/utf8.h"
#include "core/base/hex.h"
#include "core/calendar/calendar_timer.h"
#include "core/calendar/utc_text.h"
#include "core/run/container.h"
#include "core/system/file_watch.h"
#include "core/wait/send.h"

namespace weir {
namespace {

// What is no hexadecimal number, as in an event that a client has sent, becomes 0.
std::string from_hex(std::string_view text) {
    std::string bytes;
    bytes.reserve(text.size() / 2);
    for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
        unsigned char byte = 0;
        std::from_chars(text.data() + i, text.data() + i + 2, byte, 16);
        bytes += static_cast<char>(byte);
    }
    return bytes;
}

Ref<FileChanged> event_of_change(const std::string& path, bool existed,
                                 const std::optional<FileStatus>& now) {
    if (!now) {
        return make_event<FileChanged>(path, FileChange::removed);
    }
    return make_event<FileChanged>(path, existed ? FileChange::written : FileChange::made,
                                   now->size,
                                   utc_text(std::chrono::floor<WallTime::duration>(now->modified)));
}

Ref<DatagramReceived> event_of_datagram(const std::string& socket, Datagram datagram,
                                        std::uint64_t dropped) {
    const bool text = config::utf8_prefix(datagram.bytes) == datagram.bytes.size();
    return make_event<DatagramReceived>(socket, datagram_address_text(datagram.sender),
                                        text ? std::move(datagram.bytes) : to_hex(datagram.bytes),
                                        text ? DatagramCoding::text : DatagramCoding::hex,
                                        datagram.cut, dropped);
}

}  // namespace

std::string DatagramReceived::bytes() const {
    return coding == DatagramCoding::hex ? from_hex(data) : data;
}

Task<> send_file_changes(std::string path, Duration settled) {
    bool exists = file_status_now(path).has_value();
    FileWatch watch((co_await this_routine()).scheduler(), path);
    for (;;) {
        const std::optional<FileStatus> now = co_await watch.changed(settled);
        // Made and removed again meanwhile: nothing has changed.
        if (now || exists) {
            co_await send(event_of_change(path, exists, now));
        }
        exists = now.has_value();
    }
}

Task<> send_datagrams(std::string name, DatagramSocket socket) {
    for (;;) {
        Datagram datagram = co_await socket.receive();
        co_await send(event_of_datagram(name, std::move(datagram), socket.dropped()));
    }
}

Task<> send_times(std::string name, Schedule schedule) {
    CalendarTimer timer((co_await this_routine()).scheduler(), std::move(schedule));
    while (const std::optional<WallTime> due = co_await timer.next()) {
        co_await send(make_event<TimeReached>(name, utc_text(*due)));
    }
}

}  // namespace weir
