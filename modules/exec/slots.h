#pragma once

#include <cstddef>
#include <list>
#include <utility>

#include "core/event/event.h"
#include "core/event/matcher.h"
#include "core/run/scheduler.h"
#include "core/run/task.h"
#include "core/run/wait.h"

namespace weir::exec {

class Slots;

// A slot is free for a routine that has waited for it.
struct SlotGranted : Event {
    Index<const void*> ticket;

    static auto declare() {
        return declare_event<SlotGranted>("exec.SlotGranted").index("ticket", &SlotGranted::ticket);
    }
};

// Lets so many routines do something at a time; others wait, first come, first served.
class Slots {
public:
    Slots(Scheduler& scheduler, std::size_t count) noexcept : scheduler_(scheduler), free_(count) {}
    Slots(const Slots&) = delete;
    Slots& operator=(const Slots&) = delete;

    // Waits for a slot, or holds one, while it lives.
    class Ticket {
    public:
        explicit Ticket(Slots& slots) : slots_(slots), place_(slots.enter(*this)) {}
        Ticket(const Ticket&) = delete;
        Ticket& operator=(const Ticket&) = delete;
        ~Ticket() {
            if (granted_) {
                slots_.give_back();
            } else {
                slots_.waiting_.erase(place_);
            }
        }

        // co_await ticket.granted(): resumes when the ticket holds a slot.
        Task<> granted() {
            const Matcher mine = match<SlotGranted>(static_cast<const void*>(this)).make();
            while (!granted_) {
                co_await mine;
            }
        }

    private:
        friend class Slots;
        Slots& slots_;
        bool granted_ = false;
        const std::list<Ticket*>::iterator place_;
    };

    std::size_t waiting() const noexcept { return waiting_.size(); }

private:
    std::list<Ticket*>::iterator enter(Ticket& ticket) {
        if (free_ != 0) {
            --free_;
            ticket.granted_ = true;
            return waiting_.end();
        }
        return waiting_.insert(waiting_.end(), &ticket);
    }
    // The ticket itself says that it has a slot: if there is no memory for the event, it waits for
    // the next one.
    void give_back() noexcept {
        if (waiting_.empty()) {
            ++free_;
            return;
        }
        Ticket* const next = waiting_.front();
        waiting_.pop_front();
        next->granted_ = true;
        try {
            scheduler_.emergency_send(make_event<SlotGranted>(static_cast<const void*>(next)));
        } catch (...) {
            scheduler_.log_exception("granting a slot");
        }
    }

    Scheduler& scheduler_;
    std::size_t free_;
    std::list<Ticket*> waiting_;
};

}  // namespace weir::exec
