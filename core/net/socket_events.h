#pragma once

#include <cstdint>

#include <uv.h>

#include "core/event/event.h"
#include "core/event/matcher.h"
#include "core/run/scheduler.h"

namespace weir {

class Source;

// Something has happened to what a routine waits for outside.
struct SocketEvent : Event {
    enum class Type {
        readable,  // there is something to read or to accept, or nothing more will come
        writable,  // what was waiting to be written has been
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

// Where SocketEvents come from. It sends one only if somebody has said that he is about to wait
// for it. Who waits looks again at what he waits for, for the event may be an older one's:
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
    void want(SocketEvent::Type type) noexcept { wanted_ |= bit(type); }
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

// The loop on which the scheduler runs. Throws std::logic_error if it does not run on libuv.
uv_loop_t& loop_of(Scheduler& scheduler);

}  // namespace weir
