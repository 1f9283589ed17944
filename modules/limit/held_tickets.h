#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "core/base/clock.h"
#include "core/base/ref.h"
#include "core/wait/alarm.h"
#include "modules/limit/limit.h"

namespace weir::limit {

// Tickets of owners outside of the program, by their names. Each is valid until a time. Shared by
// the versions of the module: a call of an older one that still waits keeps its ticket here, too.
class HeldTickets : public RefCounted<HeldTickets> {
public:
    HeldTickets();
    HeldTickets(const HeldTickets&) = delete;
    HeldTickets& operator=(const HeldTickets&) = delete;
    ~HeldTickets();

    void add(const std::string& name, std::unique_ptr<Ticket> ticket, Time until);
    // Gives the ticket back. Returns whether it was there.
    bool remove(const std::string& name);
    // Gives back the tickets that have expired, and returns how many these were.
    std::size_t expire(Time now) noexcept;
    // co_await tickets.next_end(): waits until a ticket may have expired; expire() finds out. For
    // one routine at a time.
    ConditionWait next_end() noexcept {
        return alarm_.wait(ends_.empty() ? Time::max() : ends_.begin()->first);
    }

private:
    struct Held {
        std::unique_ptr<Ticket> ticket;
        Time until;
    };

    std::map<std::string, Held> tickets_;
    std::set<std::pair<Time, std::string>> ends_;
    Alarm alarm_;  // of the ends
};

}  // namespace weir::limit
