// Locks that are taken away from their holders.

#include <algorithm>
#include <new>
#include <vector>

#include "modules/lock/errors.h"
#include "modules/lock/events.h"
#include "modules/lock/table.h"

namespace weir {

namespace {

constexpr const char* hold_is_over = "it was held for as long as is allowed (longest_holds)";

}  // namespace

// Lets a grant end by itself, and by what the backend says.
void LockTable::bound(LockEvent& event, LockKey& key) {
    event.end_of_time = key.longest_hold_ > Duration::zero()
                            ? boot_time(scheduler_.poller()) + key.longest_hold_
                            : BootTime::max();
    if (event.remote != nullptr) {
        event.remote->waiter = nullptr;
        event.remote->holder = &event;
        event.token = event.remote->token();
    }
    event.bounded = true;
}

void LockTable::lose(LockEvent& event) noexcept {
    const bool by_hold = event.end_of_time <= boot_time(scheduler_.poller());
    take_away(event, by_hold ? hold_is_over
                             : "the servers have not confirmed it in time: another process may "
                               "hold it");
}

void LockTable::take_away(LockEvent& event, const std::string& reason) noexcept {
    const Ref<LockEvent> keep(&event);
    SessionRecord* const session = event.owner.session;
    std::optional<LostLock> lost;
    try {
        const Ref<LockLostEvent> told =
            make_event<LockLostEvent>(event.context, event.key, event.locker, session);
        told->token = event.token;
        told->owner = event.owner.describe();
        told->reason = reason;
        scheduler_.log(LogLevel::warning, describe_lock(event.key.value(), event.group->name()) +
                                              " is lost: " + reason + "; it was held by " +
                                              told->owner);
        scheduler_.emergency_send(told);
        lost = LostLock{event.group->name(), event.key.value(), event.token, reason};
    } catch (const std::bad_alloc&) {
        scheduler_.log_exception("telling that a lock is lost");  // it is lost all the same
    }
    ++event.group->statistics().lost;
    event.give_back();
    if (session != nullptr && session->listener != nullptr && lost) {
        session->listener->lock_lost(*lost);  // may destroy the Lock
    }
}

std::size_t LockTable::break_locks(std::string_view context, const IndexValue& key,
                                   std::optional<std::uint64_t> token, const std::string& reason) {
    const std::string name(context);
    std::vector<Ref<LockEvent>> broken;
    for (const LockKey* found : find(key, &name)) {
        for (LockEvent& holder : found->holders()) {
            if (holder.group->name() == context && (!token || holder.token == *token)) {
                broken.emplace_back(&holder);
            }
        }
    }
    for (const Ref<LockEvent>& holder : broken) {
        if (holder->held) {
            take_away(*holder, reason);
        }
    }
    return broken.size();
}

std::optional<BootTime> LockTable::next_end_of_hold() const {
    BootTime next = BootTime::max();
    for_each_key([&next](const LockKey& key) {
        if (key.longest_hold_ > Duration::zero()) {
            for (const LockEvent& holder : key.holders()) {
                next = holder.bounded ? std::min(next, holder.end_of_time) : next;
            }
        }
    });
    return next == BootTime::max() ? std::nullopt : std::optional(next);
}

void LockTable::end_holds() {
    const BootTime now = boot_time(scheduler_.poller());
    std::vector<Ref<LockEvent>> over;
    for_each_key([&](const LockKey& key) {
        for (LockEvent& holder : key.holders()) {
            if (holder.bounded && holder.end_of_time <= now) {
                over.emplace_back(&holder);
            }
        }
    });
    for (const Ref<LockEvent>& holder : over) {
        if (holder->held) {
            take_away(*holder, hold_is_over);
        }
    }
}

}  // namespace weir
