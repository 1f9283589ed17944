#pragma once

#include <array>
#include <cstdint>

#include "core/base/list.h"
#include "core/event/event.h"
#include "core/event/matcher.h"
#include "core/run/scheduler.h"
#include "core/run/uv_loop.h"

namespace weir {

class Source;

// What waits for the next event of a source: a wait of a routine, or an object that needs no
// routine for what it does then.
class SignalWaiter : public Link<SignalWaiter> {
public:
    virtual void signalled() noexcept = 0;

protected:
    ~SignalWaiter() = default;
};

// Something has happened to a socket, or to another thing outside that a routine waits for.
struct SocketEvent : Event {
    enum class Type {
        readable,  // there are bytes to read or connections to accept, or no more will come
        writable,  // pending bytes have been written
        changed,   // anything else: connected, resolved, ended, ...
    };
    Index<Type> type;
    Index<const Source*> socket;
    List<SignalWaiter> waiters;

    // Tells each waiter that is listed; one that is added meanwhile waits for the next event.
    void received() noexcept;

    static auto declare() {
        return declare_event<SocketEvent>("weir.SocketEvent")
            .index("type", &SocketEvent::type)
            .index("socket", &SocketEvent::socket);
    }
};

// Sends SocketEvents. Sends one only after a routine has armed it with want(), so that a socket on
// which no routine waits costs no events. A routine waits with SignalWait, which arms the source,
// or for the matcher after want(). It checks its condition again after each event, for the event
// may have been sent for an earlier wait:
//
//     while (!source.ready()) {
//         co_await SignalWait(source, SocketEvent::Type::readable);
//     }
//
// The event of each type is made when it is wanted first, and is then the same object each time: a
// source that is armed needs no memory to signal, so that no routine waits for an event for which
// there was none.
class Source {
public:
    explicit Source(Scheduler& scheduler) noexcept : scheduler_(&scheduler) {}
    Source(const Source&) = delete;
    Source& operator=(const Source&) = delete;

    MatcherOf<SocketEvent> matcher(SocketEvent::Type type) const {
        return match<SocketEvent>(type, this);
    }
    // Arms the source: the next signal() of this type sends an event.
    void want(SocketEvent::Type type) {
        Ref<SocketEvent>& event = event_of(type);
        if (event == nullptr) {
            event = make_event<SocketEvent>(type, this);
        }
        wanted_ |= bit(type);
    }
    // Undoes want(), for a source that is closed.
    void disarm() noexcept { wanted_ = 0; }
    // Arms the source; the event tells the waiter, which must not be listed already.
    void want(SocketEvent::Type type, SignalWaiter& waiter) {
        want(type);
        event_of(type)->waiters.push_back(waiter);
    }
    // Sends an event if the source is armed for this type, and disarms it. An event that is in its
    // queue still, for an earlier wait, is one for this wait too.
    void signal(SocketEvent::Type type) {
        if ((wanted_ & bit(type)) != 0) {
            if (const Ref<SocketEvent>& event = event_of(type); !event->queued()) {
                scheduler_->emergency_send(event);
            }
            wanted_ &= static_cast<std::uint8_t>(~bit(type));
        }
    }
    Scheduler& scheduler() const noexcept { return *scheduler_; }

private:
    Ref<SocketEvent>& event_of(SocketEvent::Type type) noexcept {
        return events_[static_cast<unsigned>(type)];
    }
    static std::uint8_t bit(SocketEvent::Type type) noexcept {
        return static_cast<std::uint8_t>(1U << static_cast<unsigned>(type));
    }

    Scheduler* scheduler_;
    std::uint8_t wanted_ = 0;
    std::array<Ref<SocketEvent>, 3> events_;  // by type; null: not wanted yet
};

}  // namespace weir
