#pragma once

#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/list.h"
#include "core/base/ref.h"
#include "core/event/node_map.h"
#include "core/queue/queue.h"
#include "core/run/scheduler.h"
#include "core/run/task.h"
#include "modules/lock/context.h"
#include "modules/lock/deadlock.h"
#include "modules/lock/fencing.h"
#include "modules/lock/key.h"
#include "modules/lock/key_pattern.h"
#include "modules/lock/settings.h"
#include "modules/lock/wait.h"

namespace weir {

class LockQueue;

// Who holds a lock, or waits for it.
struct LockUse {
    std::string owner;  // who it is, and where it was started
    std::string context;
    Duration since{};         // for how long
    std::uint64_t token = 0;  // of a holder
};

// A key that is held or waited for.
struct LockListing {
    std::string key;
    std::string context;           // empty if several contexts share the key
    std::size_t size = 1;          // how many may hold it
    std::vector<LockUse> holders;  // in the order of their grants
    std::vector<LockUse> waiters;  // the next one first
};

// One line for each key, for messages.
std::string describe(const std::vector<LockListing>& listings);

// The locks of a scheduler: finds what locks on the same key have in common, and knows who holds,
// who waits and what happened. Made by add_lock_queue; exists as long as its queue or a Lock.
class LockTable final : public RefCounted<LockTable> {
public:
    LockTable(Scheduler& scheduler, LockSettings settings, std::unique_ptr<FencingTokens> tokens);
    ~LockTable();

    // The table of a scheduler. Throws NoLockQueue if it has no lock queue.
    static LockTable& of(const Scheduler& scheduler);
    // The same, or null.
    static LockTable* find(const Scheduler& scheduler) noexcept;

    Scheduler& scheduler() const noexcept { return scheduler_; }
    const LockSettings& settings() const noexcept { return settings_; }
    // Takes other limits, another way with deadlocks and other settings of contexts. Sizes count at
    // once for keys that no Semaphore has: who waits takes new places when the running routine
    // waits; what is held stays held. A context that is not named any more keeps its own keys, each
    // for one holder; one that is named newly gets its own if it is not in use, which is logged
    // otherwise. Priority and `separate_contexts` stay.
    void change_settings(const LockSettings& settings);
    // Whether there is a queue still.
    bool open() const noexcept { return queue_ != nullptr; }

    // --- insight

    // The keys that are held or waited for and match the pattern, ordered by context and key.
    std::vector<LockListing> list(const KeyPattern& pattern = KeyPattern("*")) const;
    std::size_t waiting() const noexcept { return waiting_; }
    std::size_t holding() const noexcept { return holding_; }
    // The number of keys that are remembered, in use or not.
    std::size_t keys() const noexcept;
    // Of all contexts, also those that are gone.
    LockStatistics statistics() const;
    // By the name of the context; those that exist.
    std::map<std::string, LockStatistics> statistics_by_context() const;
    // The deadlocks that there are now.
    std::vector<Deadlock> deadlocks();

    // --- semaphores, by name

    // From now on `size` locks on the key may be held; what is held counts. They leave their own
    // queue in the root with this priority. Throws std::logic_error if there is a Semaphore for
    // the key, std::invalid_argument for a size of 0.
    void create_semaphore(std::string_view context, const IndexValue& key, std::size_t size,
                          int priority);
    // If the size is smaller, nobody is given a place before so many have been given back; if it
    // is larger, those who wait take the new places before anything else happens. Throws
    // std::invalid_argument if there is no such Semaphore, or for a size of 0.
    void resize_semaphore(std::string_view context, const IndexValue& key, std::size_t size);
    // From now on as many may be held as the settings say. What is held stays held. Does nothing
    // if there is no such Semaphore. To be called in the scheduler's context; see Semaphore.
    void destroy_semaphore(std::string_view context, const IndexValue& key,
                           const Scheduler::Processor& processor);

    // --- for locks, waits and queues

    Ref<LockContext> context(std::string_view name);
    LockOwner owner_of(const LockState& state, Routine* routine) const noexcept;
    // The key that the lock is on now. Throws NoLockQueue.
    LockKey& resolve(LockState& state) {
        // Where a lock that is held is counted changes only by move().
        if (state.resolved_at != generation_ && !state.locked) [[unlikely]] {
            find_place(state);
        }
        return *state.place;
    }
    // Takes the lock, if there is a place; otherwise returns the matcher of the signal to wait for.
    // `wait` is the one that ends with it, if any, and leaves the line. Throws FencingError and
    // NoLockQueue.
    Matcher take(LockState& state, const LockOwner& owner, LockWait* wait);
    void released(LockState& state) noexcept;
    // Throws LockLimitReached if nobody may wait any more.
    void check_limits(const LockState& state);
    void add(LockWait& wait);
    void remove(LockWait& wait) noexcept;
    // May end the wait with an error, or another.
    void look_for_deadlock(LockWait& wait);
    // Ends the waits of a session.
    void fail_waits(const LockSession& session, const std::exception_ptr& error) noexcept;
    // Gives places to those who wait for the key, when the running routine waits again.
    void serve_later(LockKey& key);

    void queue_is_gone(const LockQueue& queue) noexcept;
    // Ends all waits with an error, takes all locks from their holders and is closed; the queues
    // are to be removed. To be called in the scheduler's context.
    void close(const Scheduler::Processor& processor);

private:
    friend class LockContext;
    friend class LockKey;
    friend Ref<Queue> add_lock_queue(Scheduler& scheduler, LockSettings settings,
                                     std::unique_ptr<FencingTokens> tokens);

    void find_place(LockState& state);
    LockQueue* queue_of(LockState& state);
    LockQueue* find_queue(LockState& state);
    Matcher send_event(LockState& state);
    void show_all();
    LockKey* find_semaphore(const LockContext& context, const IndexValue& key) const noexcept;
    LockKey& find_or_make(LockContext& context, const IndexValue& key);
    std::size_t size_by_rules(const LockContext& context, const IndexValue& key) const;
    void move(LockKey& from, LockKey& to, const LockContext& context);
    void look_for_deadlocks_of(LockKey& key);
    void request_call();
    void do_calls() noexcept;
    template <class F>
    void for_each_key(F visit) const;

    Scheduler& scheduler_;
    LockSettings settings_;  // named contexts refer to theirs
    std::unique_ptr<FencingTokens> tokens_;
    Queue* queue_ = nullptr;
    LockQueue* leaf_ = nullptr;
    std::map<std::string, LockContext*, std::less<>> contexts_;
    LockContext* last_context_ = nullptr;           // that was asked for; most often it is the same
    std::vector<Ref<LockContext>> named_contexts_;  // kept, for the settings name them
    NodeMap<LockKey> shared_keys_;
    std::vector<Ref<LockKey>> semaphores_;
    // To be done when the running routine waits.
    std::vector<Ref<LockKey>> to_serve_;
    std::vector<std::pair<std::uint64_t, std::exception_ptr>> to_fail_;  // by serial
    bool called_ = false;
    // The queue that takes all LockEvents, if there is one, and the shape of the queue tree then.
    LockQueue* queue_of_all_ = nullptr;
    std::uint64_t queue_found_at_ = 0;
    std::uint64_t generation_ = 1;  // changes when a context and key may lead to another LockKey
    List<LockWait, LockTable> waits_;
    std::size_t waiting_ = 0;
    std::size_t holding_ = 0;
    std::uint64_t serials_ = 0;
    DeadlockDetector graph_;
    LockStatistics departed_;  // of contexts that are gone
};

template <class F>
void LockTable::for_each_key(F visit) const {
    shared_keys_.for_each(visit);
    for (const auto& [name, context] : contexts_) {
        context->keys_.for_each(visit);
    }
}

// Adds the queue of the locks to the scheduler's queue tree: from now on there may be Locks.
// Without `tokens` fencing tokens start at 1. Throws std::invalid_argument if there is one.
Ref<Queue> add_lock_queue(Scheduler& scheduler, LockSettings settings = {},
                          std::unique_ptr<FencingTokens> tokens = {});

// co_await remove_lock_queue(scheduler): removes it. If locks are held or waited for, throws
// LocksInUse, with the list of who does; with `force` waits end with NoLockQueue, and what is held
// is held no more. Does nothing if there is none.
Task<> remove_lock_queue(Scheduler& scheduler, bool force = false);

}  // namespace weir
