#include "modules/lock/deadlock.h"

#include <chrono>
#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <utility>

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

// What a wait depends on: owners that wait, and the keys that they wait for. Each owner and each
// key is visited once, however many wait for a key and however many hold it.
class DeadlockDetector::Search {
public:
    Search(DeadlockDetector& detector, WaitingOwner& start)
        : detector_(detector), search_(++detector.searches_) {
        reach(start);
        for (std::size_t i = 0; i != owners_.size(); ++i) {
            for (LockRequest& wait : owners_[i].owner->waits) {
                add_wait(i, wait);
            }
        }
        let_proceed();
    }

    std::size_t owners() const noexcept { return owners_.size(); }
    // Returns the waits of the stuck owners that wait for the start, directly or through others;
    // none if the start can proceed, or is only behind a deadlock.
    std::vector<LockRequest*> circle() {
        std::vector<std::size_t> found;
        std::vector<bool> is_found(owners_.size());
        const auto add_waiters_for = [&](std::size_t holder) {
            for (const std::size_t held : owners_[holder].holds) {
                // Their waiters are found when the first holder is.
                for (const std::size_t waiter : std::exchange(keys_[held].waiters, {})) {
                    if (owners_[waiter].owner->stuck && !is_found[waiter]) {
                        is_found[waiter] = true;
                        found.push_back(waiter);
                    }
                }
            }
        };
        if (owners_.front().owner->stuck) {
            add_waiters_for(0);
        }
        for (std::size_t i = 0; i != found.size(); ++i) {
            add_waiters_for(found[i]);
        }
        std::vector<LockRequest*> waits;
        if (is_found.front()) {
            for (const std::size_t member : found) {
                for (LockRequest& wait : owners_[member].owner->waits) {
                    waits.push_back(&wait);
                }
            }
        }
        return waits;
    }

private:
    struct Owner {
        WaitingOwner* owner;
        std::vector<std::size_t> holds;  // keys, as often as it holds them
    };
    struct Key {
        std::size_t needed;                // how many more holders must proceed
        std::vector<std::size_t> waiters;  // owners
    };

    std::size_t reach(WaitingOwner& owner) {
        if (owner.search != search_) {
            owner.search = search_;
            owner.stuck = true;
            owner.number = owners_.size();
            owners_.push_back({&owner, {}});
        }
        return owner.number;
    }

    void add_wait(std::size_t owner, const LockRequest& wait) {
        const LockKey& key = *wait.state().place;
        if (key.holding() < key.size() || key.may_join(wait)) {
            free(owner);
            return;
        }
        const auto [at, is_new] = numbers_.try_emplace(&key, keys_.size());
        const std::size_t number = at->second;
        if (is_new) {
            keys_.push_back({key.holding() - key.size() + 1, {}});
            for (const LockEvent& holder : key.holders()) {
                if (WaitingOwner* const waits_too = detector_.find(holder.owner)) {
                    const std::size_t reached = reach(*waits_too);
                    owners_[reached].holds.push_back(number);
                } else {
                    give_slot(number);
                }
            }
        }
        keys_[number].waiters.push_back(owner);
        if (keys_[number].needed == 0) {
            free(owner);
        }
    }

    void give_slot(std::size_t key) {
        if (keys_[key].needed != 0 && --keys_[key].needed == 0) {
            for (const std::size_t waiter : keys_[key].waiters) {
                free(waiter);
            }
        }
    }
    void free(std::size_t owner) {
        if (std::exchange(owners_[owner].owner->stuck, false)) {
            freed_.push_back(owner);
        }
    }
    // What an owner holds that can proceed is given back.
    void let_proceed() {
        while (!freed_.empty()) {
            const std::size_t owner = freed_.back();
            freed_.pop_back();
            for (const std::size_t held : owners_[owner].holds) {
                give_slot(held);
            }
        }
    }

    DeadlockDetector& detector_;
    const std::uint64_t search_;
    std::vector<Owner> owners_;  // the start is the first
    std::vector<Key> keys_;
    std::unordered_map<const LockKey*, std::size_t> numbers_;
    std::vector<std::size_t> freed_;  // whose locks are not given back yet
};

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
    return Search(*this, *start).circle();
}

std::vector<std::vector<LockRequest*>> DeadlockDetector::deadlocks_of(
    const std::vector<LockRequest*>& waits, std::size_t most) {
    std::vector<std::vector<LockRequest*>> found;
    const std::uint64_t before = searches_;
    std::unordered_set<const WaitingOwner*> members;
    for (const LockRequest* wait : waits) {
        WaitingOwner* const start = find(wait->owner());
        // What one search has found of an owner that can proceed holds for all.
        if (start == nullptr || members.contains(start) ||
            (start->search > before && !start->stuck)) {
            continue;
        }
        Search search(*this, *start);
        std::vector<LockRequest*> circle = search.circle();
        for (const LockRequest* member : circle) {
            members.insert(find(member->owner()));
        }
        if (!circle.empty()) {
            found.push_back(std::move(circle));
        }
        if (search.owners() >= most) {
            break;
        }
        most -= search.owners();
    }
    return found;
}

namespace {

constexpr std::size_t longest_name = 200;
constexpr std::size_t longest_text = 4000;
constexpr std::size_t most_holders = 5;

// Cuts between two characters of UTF-8.
std::string shortened(std::string name) {
    if (name.size() > longest_name) {
        std::size_t end = longest_name;
        while (end != 0 && (static_cast<unsigned char>(name[end]) & 0xC0U) == 0x80U) {
            --end;
        }
        name.resize(end);
        name += "...";
    }
    return name;
}

}  // namespace

Deadlock describe_deadlock(const std::vector<LockRequest*>& waits, Time now) {
    Deadlock deadlock;
    for (const LockRequest* wait : waits) {
        if (deadlock.members.size() == Deadlock::most_members) {
            deadlock.left_out = waits.size() - Deadlock::most_members;
            break;
        }
        DeadlockMember member{.owner = shortened(wait->owner().describe()),
                              .context = shortened(wait->state().context->name()),
                              .key = shortened(key_text(wait->state().key)),
                              .waits_at = std::string(wait->waits_at().file_name()) + ':' +
                                          std::to_string(wait->waits_at().line()),
                              .waiting = now - wait->since(),
                              .holders = {}};
        const LockKey& key = *wait->state().place;
        for (const LockEvent& holder : key.holders()) {
            if (member.holders.size() == most_holders) {
                member.holders.push_back(std::to_string(key.holding() - most_holders) + " more");
                break;
            }
            member.holders.push_back(shortened(holder.owner.describe()));
        }
        deadlock.members.push_back(std::move(member));
    }
    return deadlock;
}

std::string Deadlock::describe() const {
    std::string text = "deadlock: ";
    std::size_t left = left_out + members.size();
    for (const DeadlockMember& member : members) {
        if (text.size() > longest_text) {
            break;
        }
        --left;
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
    if (left != 0) {
        text += "; and " + std::to_string(left) + " more waits";
    }
    return text;
}

}  // namespace weir
