#include "modules/limit/held_tickets.h"

namespace weir::limit {

HeldTickets::HeldTickets() = default;

HeldTickets::~HeldTickets() = default;

void HeldTickets::add(const std::string& name, std::unique_ptr<Ticket> ticket, Time until) {
    const auto added = tickets_.emplace(name, Held{std::move(ticket), until}).first;
    try {
        ends_.emplace(until, name);
    } catch (...) {
        tickets_.erase(added);
        throw;
    }
    alarm_.no_later_than(until);
}

bool HeldTickets::remove(const std::string& name) {
    const auto found = tickets_.find(name);
    if (found == tickets_.end()) {
        return false;
    }
    ends_.erase({found->second.until, name});
    tickets_.erase(found);
    return true;
}

std::size_t HeldTickets::expire(Time now) noexcept {
    std::size_t count = 0;
    for (; !ends_.empty() && ends_.begin()->first <= now; ++count) {
        tickets_.erase(ends_.begin()->second);
        ends_.erase(ends_.begin());
    }
    return count;
}

}  // namespace weir::limit
