#pragma once

#include <cstdint>

#include "core/event/event.h"
#include "core/event/matcher.h"
#include "core/run/scheduler.h"
#include "core/run/uv_loop.h"

namespace weir {

class Source;

// Something has happened to a socket, or to another thing outside that a routine waits for.
struct SocketEvent : Event {
    enum class Type {
        readable,  // there are bytes to read or connections to accept, or no more will come
        writable,  // pending bytes have been written
        changed,   // anything else: connected, resolved, ended, ...
    };
    Index<Type> type;
    Index<const Source*> socket;

    static auto declare() {
        return declare_event<SocketEvent>("weir.SocketEvent")
            .index("type", &SocketEvent::type)
            .index("socket", &SocketEvent::socket);
    }
};

// Sends SocketEvents. Sends one only after a routine has armed it with want(), so that a socket on
// which no routine waits costs no events. The routine checks its condition again after each event,
// for the event may have been sent for an earlier wait:
//
//     while (!source.ready()) {
//         source.want(SocketEvent::Type::readable);
//         co_await readable;
//     }
class Source {
public:
    explicit Source(Scheduler& scheduler) noexcept : scheduler_(&scheduler) {}
    Source(const Source&) = delete;
    Source& operator=(const Source&) = delete;

    MatcherOf<SocketEvent> matcher(SocketEvent::Type type) const {
        return match<SocketEvent>(type, this);
    }
    // Arms the source: the next signal() of this type sends an event.
    void want(SocketEvent::Type type) noexcept { wanted_ |= bit(type); }
    // Sends an event if the source is armed for this type, and disarms it.
    void signal(SocketEvent::Type type) {
        if ((wanted_ & bit(type)) != 0) {
            wanted_ &= static_cast<std::uint8_t>(~bit(type));
            scheduler_->emergency_send(make_event<SocketEvent>(type, this));
        }
    }

protected:
    Scheduler& scheduler() const noexcept { return *scheduler_; }

private:
    static std::uint8_t bit(SocketEvent::Type type) noexcept {
        return static_cast<std::uint8_t>(1U << static_cast<unsigned>(type));
    }

    Scheduler* scheduler_;
    std::uint8_t wanted_ = 0;
};

}  // namespace weir
