#pragma once

#include <cstddef>
#include <list>
#include <utility>

#include "core/event/event.h"
#include "core/event/matcher.h"
#include "core/run/scheduler.h"
#include "core/run/task.h"
#include "core/run/wait.h"

namespace weir {

class Slots;

// A slot is free for a routine that has waited for it.
struct SlotGranted : Event {
    Index<const void*> ticket;

    static auto declare() {
        return declare_event<SlotGranted>("weir.SlotGranted").index("ticket", &SlotGranted::ticket);
    }
};

// Limits how many do something at a time: further ones wait, first come, first served. On the
// scheduler's thread. Must outlive its tickets.
class Slots {
public:
    Slots(Scheduler& scheduler, std::size_t count) noexcept
        : scheduler_(scheduler), free_(static_cast<std::ptrdiff_t>(count)), count_(count) {}
    Slots(const Slots&) = delete;
    Slots& operator=(const Slots&) = delete;

    // Whether a ticket waits for its turn, or takes a slot although none may be free.
    enum class Turn { wait, none };

    // Waits for a slot, or holds one, while it lives.
    class Ticket {
    public:
        explicit Ticket(Slots& slots, Turn turn = Turn::wait)
            : slots_(slots), place_(slots.enter(*this, turn)) {}
        Ticket(const Ticket&) = delete;
        Ticket& operator=(const Ticket&) = delete;
        ~Ticket() {
            if (granted_) {
                ++slots_.free_;
                slots_.grant();
            } else {
                slots_.waiting_.erase(place_);
            }
        }

        bool is_granted() const noexcept { return granted_; }
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

    // Changes how many slots there are. Those that are held beyond that stay so.
    void set_count(std::size_t count) noexcept {
        free_ += static_cast<std::ptrdiff_t>(count) - static_cast<std::ptrdiff_t>(count_);
        count_ = count;
        grant();
    }
    std::size_t waiting() const noexcept { return waiting_.size(); }

private:
    std::list<Ticket*>::iterator enter(Ticket& ticket, Turn turn) {
        if (free_ > 0 || turn == Turn::none) {
            --free_;
            ticket.granted_ = true;
            return waiting_.end();
        }
        return waiting_.insert(waiting_.end(), &ticket);
    }
    // The ticket itself says that it has a slot: if there is no memory for the event, it waits for
    // the next one.
    void grant() noexcept {
        while (free_ > 0 && !waiting_.empty()) {
            Ticket* const next = waiting_.front();
            waiting_.pop_front();
            --free_;
            next->granted_ = true;
            try {
                scheduler_.emergency_send(make_event<SlotGranted>(static_cast<const void*>(next)));
            } catch (...) {
                scheduler_.log_exception("granting a slot");
            }
        }
    }

    Scheduler& scheduler_;
    std::ptrdiff_t free_;
    std::size_t count_;
    std::list<Ticket*> waiting_;
};

}  // namespace weir
