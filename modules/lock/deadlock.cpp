#include "modules/lock/deadlock.h"

#include <chrono>
#include <limits>
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

// Looks whether a circle of waits leads through the start: along what the start waits for, and
// along what waits for it, by turns. The shorter end decides, so that a chain is not walked to its
// end for each wait by which it grows.
class DeadlockDetector::BothEnds {
public:
    BothEnds(DeadlockDetector& detector, WaitingOwner& start)
        : detector_(detector), search_(++detector.searches_), ahead_{&start}, behind_{&start} {
        start.ahead = search_;
        start.behind = search_;
    }

    // Returns false if there is no circle, or the search was given up.
    bool meet() {
        for (bool both = true; detector_.step();) {
            const Step ahead = step_ahead();
            if (ahead != Step::made) {
                return ahead == Step::met;
            }
            if (both) {
                const Step behind = step_behind();
                if (behind == Step::met || (behind == Step::at_end && knows_all_behind_)) {
                    return behind == Step::met;
                }
                both = behind == Step::made;
            }
        }
        ++detector_.given_up_;
        return false;
    }

private:
    enum class Step { made, at_end, met };

    template <class L>
    static auto first(const L& list) noexcept {
        return list.empty() ? nullptr : &list.front();
    }

    Step step_ahead() {
        if (holder_ != nullptr) {
            WaitingOwner* const owner = detector_.find(holder_->owner);
            holder_ = key_ahead_->holders().next(*holder_);
            if (owner != nullptr && owner->behind == search_) {
                return Step::met;
            }
            if (owner != nullptr && owner->ahead != search_) {
                owner->ahead = search_;
                ahead_.push_back(owner);
            }
        } else if (wait_ != nullptr) {
            const LockKey& key = *wait_->state().place;
            wait_ = ahead_[at_ahead_ - 1]->waits.next(*wait_);
            if (key.holding() == 1 || keys_ahead_.insert(&key).second) {
                key_ahead_ = &key;
                holder_ = first(key.holders());
            }
        } else if (at_ahead_ != ahead_.size()) {
            wait_ = first(ahead_[at_ahead_++]->waits);
        } else {
            return Step::at_end;
        }
        return Step::made;
    }

    Step step_behind() {
        if (waiter_ != nullptr) {
            WaitingOwner* const owner = detector_.find(waiter_->owner());
            waiter_ = key_behind_->waiters().next(*waiter_);
            if (owner != nullptr && owner->ahead == search_) {
                return Step::met;
            }
            if (owner != nullptr && owner->behind != search_) {
                owner->behind = search_;
                behind_.push_back(owner);
            }
        } else if (lock_ != nullptr) {
            const LockState& lock = *lock_;
            lock_ = session_->locks.next(*lock_);
            if (lock.held()) {
                const LockKey& key = *lock.event->place;
                if (key.holding() == 1 || keys_behind_.insert(&key).second) {
                    key_behind_ = &key;
                    waiter_ = first(key.waiters());
                }
            }
        } else if (at_behind_ != behind_.size()) {
            const LockOwner& owner = behind_[at_behind_++]->waits.front().owner();
            session_ = owner.session;
            if (session_ != nullptr) {
                lock_ = first(session_->locks);
            } else if (owner.claims()->held != 0) {
                knows_all_behind_ = false;  // it is not known which locks a routine holds
            }
        } else {
            return Step::at_end;
        }
        return Step::made;
    }

    DeadlockDetector& detector_;
    const std::uint64_t search_;

    std::vector<WaitingOwner*> ahead_;
    std::size_t at_ahead_ = 0;
    const LockRequest* wait_ = nullptr;
    const LockKey* key_ahead_ = nullptr;
    const LockEvent* holder_ = nullptr;
    std::unordered_set<const LockKey*> keys_ahead_;  // with several holders

    std::vector<WaitingOwner*> behind_;
    std::size_t at_behind_ = 0;
    const SessionRecord* session_ = nullptr;
    const LockState* lock_ = nullptr;
    const LockKey* key_behind_ = nullptr;
    const LockRequest* waiter_ = nullptr;
    std::unordered_set<const LockKey*> keys_behind_;  // with several holders
    bool knows_all_behind_ = true;
};

// What some owners depend on: owners that wait, and the keys that they wait for. Each owner and
// each key is visited once, however many wait for a key and however many hold it.
class DeadlockDetector::Search {
public:
    explicit Search(DeadlockDetector& detector)
        : detector_(detector), search_(++detector.searches_) {}

    // Finds out which owners are stuck. Returns false if that was given up.
    bool look_from(const std::vector<WaitingOwner*>& starts) {
        for (WaitingOwner* start : starts) {
            reach(*start);
        }
        for (std::size_t i = 0; i != owners_.size(); ++i) {
            for (LockRequest& wait : owners_[i].owner->waits) {
                if (!add_wait(i, wait)) {
                    ++detector_.given_up_;
                    return false;
                }
            }
        }
        let_proceed();
        return true;
    }

    // Returns the waits of the stuck owners that wait for the first start, directly or through
    // others; none if that can proceed, or is only behind a deadlock.
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

    // Returns false if the search has to be given up.
    bool add_wait(std::size_t owner, const LockRequest& wait) {
        if (!detector_.step()) {
            return false;
        }
        const LockKey& key = *wait.state().place;
        if (key.holding() < key.size() || key.may_join(wait)) {
            free(owner);
            return true;
        }
        const auto [at, is_new] = numbers_.try_emplace(&key, keys_.size());
        const std::size_t number = at->second;
        if (is_new) {
            keys_.push_back({key.holding() - key.size() + 1, {}});
            for (const LockEvent& holder : key.holders()) {
                if (!detector_.step()) {
                    return false;
                }
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
        return true;
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
    std::vector<Owner> owners_;  // the starts are the first
    std::vector<Key> keys_;
    std::unordered_map<const LockKey*, std::size_t> numbers_;
    std::vector<std::size_t> freed_;  // whose locks are not given back yet
};

std::vector<LockRequest*> DeadlockDetector::deadlock_of(WaitingOwner& start, std::uint64_t most) {
    limit_ = steps_ + most;
    if (!BothEnds(*this, start).meet()) {
        return {};
    }
    Search search(*this);
    return search.look_from({&start}) ? search.circle() : std::vector<LockRequest*>();
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
    return deadlock_of(*start, most_steps);
}

// First finds what is stuck, at once: most often that is nothing.
std::vector<std::vector<LockRequest*>> DeadlockDetector::deadlocks_of(
    const std::vector<LockRequest*>& waits) {
    std::vector<WaitingOwner*> starts;
    for (const LockRequest* wait : waits) {
        if (WaitingOwner* const start = find(wait->owner())) {
            starts.push_back(start);
        }
    }
    limit_ = std::numeric_limits<std::uint64_t>::max();
    Search(*this).look_from(starts);
    std::vector<std::vector<LockRequest*>> found;
    std::unordered_set<const WaitingOwner*> members;
    const std::uint64_t end = steps_ + 20 * most_steps;
    for (WaitingOwner* start : starts) {
        if (!start->stuck || members.contains(start)) {
            continue;
        }
        if (steps_ >= end) {
            break;
        }
        // Whether an owner is stuck does not depend on where the search starts.
        std::vector<LockRequest*> circle = deadlock_of(*start, end - steps_);
        for (const LockRequest* member : circle) {
            members.insert(find(member->owner()));
        }
        if (!circle.empty()) {
            found.push_back(std::move(circle));
        }
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
