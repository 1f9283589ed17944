#include "modules/lock/deadlock.h"

#include <chrono>
#include <memory>

#include "modules/lock/context.h"
#include "modules/lock/key.h"
#include "modules/lock/key_pattern.h"

namespace weir {

namespace {

IndexValue identity_of(const LockOwner& owner) noexcept {
    return IndexValue(reinterpret_cast<std::uintptr_t>(owner.identity()));
}

}  // namespace

DeadlockDetector::~DeadlockDetector() {
    std::vector<WaitingOwner*> all;
    owners_.for_each([&](WaitingOwner& owner) { all.push_back(&owner); });
    for (WaitingOwner* owner : all) {
        delete owner;
    }
}

WaitingOwner* DeadlockDetector::search(const LockOwner& owner) const noexcept {
    return owners_.find(identity_of(owner));
}

void DeadlockDetector::enter(LockRequest& wait) {
    const LockOwner& of = wait.owner();
    WaitingOwner* owner = find(of);
    if (owner == nullptr) {
        auto made = std::make_unique<WaitingOwner>(of.identity());
        owners_.insert(*made);
        owner = made.release();
        ++of.claims()->entered;
    }
    owner->waits.push_back(wait);
}

void DeadlockDetector::leave(LockRequest& wait) noexcept {
    List<LockRequest, WaitingOwner>::remove(wait);
    WaitingOwner* owner = find(wait.owner());
    if (owner != nullptr && owner->waits.empty()) {
        --wait.owner().claims()->entered;
        owners_.erase(*owner);
        delete owner;
    }
}

// Appends all owners for which the start waits, directly or through other owners, and itself.
void DeadlockDetector::collect(WaitingOwner& start, std::vector<WaitingOwner*>& reached) {
    const std::uint64_t search = ++searches_;
    const auto reach = [&](WaitingOwner& owner) {
        if (owner.search != search) {
            owner.search = search;
            owner.stuck = true;
            owner.reaches_start = false;
            reached.push_back(&owner);
        }
    };
    reach(start);
    for (std::size_t i = 0; i != reached.size(); ++i) {
        for (const LockRequest& wait : reached[i]->waits) {
            for (const LockEvent& holder : wait.state().place->holders()) {
                if (WaitingOwner* owner = find(holder.owner)) {
                    reach(*owner);
                }
            }
        }
    }
}

bool DeadlockDetector::can_go_on(const LockRequest& wait) const noexcept {
    const LockKey& key = *wait.state().place;
    if (key.holding() < key.size() || key.may_join(wait)) {
        return true;
    }
    std::size_t needed = key.holding() - key.size() + 1;
    for (const LockEvent& holder : key.holders()) {
        const WaitingOwner* owner = find(holder.owner);
        if ((owner == nullptr || !owner->stuck) && --needed == 0) {
            return true;
        }
    }
    return false;
}

std::vector<LockRequest*> DeadlockDetector::deadlock_of(LockRequest& wait) {
    WaitingOwner* const start = find(wait.owner());
    if (start == nullptr) {
        return {};
    }
    // Most often the holder waits for nothing.
    const auto& holders = wait.state().place->holders();
    if (holders.empty() ||
        (&holders.front() == &holders.back() && find(holders.front().owner) == nullptr)) {
        return {};
    }
    std::vector<WaitingOwner*> reached;
    collect(*start, reached);
    for (bool changed = true; changed;) {
        changed = false;
        for (WaitingOwner* owner : reached) {
            if (!owner->stuck) {
                continue;
            }
            for (const LockRequest& waits : owner->waits) {
                if (can_go_on(waits)) {
                    owner->stuck = false;
                    changed = true;
                    break;
                }
            }
        }
    }
    if (!start->stuck) {
        return {};
    }
    // Which of the stuck owners wait for the start, directly or through other owners?
    for (bool changed = true; changed;) {
        changed = false;
        for (WaitingOwner* owner : reached) {
            if (owner->reaches_start || !owner->stuck) {
                continue;
            }
            for (const LockRequest& waits : owner->waits) {
                for (const LockEvent& holder : waits.state().place->holders()) {
                    const WaitingOwner* next = find(holder.owner);
                    if (next != nullptr && (next == start || next->reaches_start)) {
                        owner->reaches_start = true;
                        changed = true;
                    }
                }
            }
        }
    }
    std::vector<LockRequest*> waits;
    if (start->reaches_start) {
        for (WaitingOwner* owner : reached) {
            if (owner->reaches_start) {
                for (LockRequest& member : owner->waits) {
                    waits.push_back(&member);
                }
            }
        }
    }
    return waits;
}

Deadlock describe_deadlock(const std::vector<LockRequest*>& waits, Time now) {
    Deadlock deadlock;
    for (const LockRequest* wait : waits) {
        DeadlockMember member{.owner = wait->owner().describe(),
                              .context = wait->state().context->name(),
                              .key = key_text(wait->state().key),
                              .waits_at = std::string(wait->waits_at().file_name()) + ':' +
                                          std::to_string(wait->waits_at().line()),
                              .waiting = now - wait->since(),
                              .holders = {}};
        for (const LockEvent& holder : wait->state().place->holders()) {
            member.holders.push_back(holder.owner.describe());
        }
        deadlock.members.push_back(std::move(member));
    }
    return deadlock;
}

std::string Deadlock::describe() const {
    std::string text = "deadlock: ";
    for (const DeadlockMember& member : members) {
        if (&member != &members.front()) {
            text += "; ";
        }
        const auto milliseconds =
            std::chrono::duration_cast<std::chrono::milliseconds>(member.waiting);
        text += member.owner + ", waits at " + member.waits_at + " since " +
                std::to_string(milliseconds.count()) + " ms for lock '" + member.key +
                "' in context '" + member.context + "', held by ";
        for (const std::string& holder : member.holders) {
            text += (&holder == &member.holders.front() ? "" : " and ") + holder;
        }
    }
    return text;
}

}  // namespace weir
