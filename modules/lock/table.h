#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/ref.h"
#include "core/event/node_map.h"
#include "core/queue/queue.h"
#include "core/run/scheduler.h"
#include "core/run/task.h"
#include "modules/lock/backend.h"
#include "modules/lock/context.h"
#include "modules/lock/deadlock.h"
#include "modules/lock/fencing.h"
#include "modules/lock/home.h"
#include "modules/lock/key.h"
#include "modules/lock/key_pattern.h"
#include "modules/lock/request.h"
#include "modules/lock/settings.h"
#include "modules/lock/state.h"

namespace weir {

// A holder of a key, or a waiter for it.
struct LockUse {
    std::string owner;  // its name, and where it was started
    std::string context;
    Duration since{};          // for how long
    bool reads = false;        // together with others that read
    std::uint64_t token = 0;   // of a holder
    std::size_t position = 0;  // of a waiter: 1 is the next one; see LockKey::position_of
};

// A semaphore that was made at run time.
struct SemaphoreListing {
    std::string made_by;  // the client; empty: code of a module
    Duration age{};
    Duration idle{};  // since it was last held or waited for; zero while it is
};

// A key that is held or waited for, or has a semaphore.
struct LockListing {
    std::string key;
    std::string context;           // empty if several contexts share the key
    std::size_t size = 1;          // how many may hold it
    std::size_t holding = 0;       // how many hold it
    std::size_t waiting = 0;       // how many wait for it
    std::vector<LockUse> holders;  // in the order of their grants
    std::vector<LockUse> waiters;  // the next one first
    std::optional<SemaphoreListing> semaphore = {};
};

// Returns one line for each key, for messages.
std::string describe(const std::vector<LockListing>& listings);

// For messages: ", made by client 7"; empty if the key has no semaphore.
std::string made_by(const LockKey& key);

// All locks of a scheduler: the one place that grants them and takes them back. A Lock finds its
// key here. Made by add_lock_queue; exists as long as its queue or a Lock does.
class LockTable final : public LockHome, private LockBackend::User {
public:
    LockTable(Scheduler& scheduler, LockSettings settings, std::unique_ptr<FencingTokens> tokens);
    ~LockTable() override;

    // Returns the table of a scheduler. Throws NoLockQueue if it has no lock queue.
    static LockTable& of(const Scheduler& scheduler);
    // The same, or null.
    static LockTable* find(const Scheduler& scheduler) noexcept;

    const LockSettings& settings() const noexcept { return settings_; }
    // Takes other limits, another way with deadlocks and other settings of contexts. Sizes count at
    // once for keys that have no Semaphore: waiters take new slots when the running routine waits,
    // and what is held stays held. A context that is not named any more keeps its own keys, each
    // for one holder. A context that is newly named, and shares keys so far, gets its own if it is
    // not in use; otherwise that is logged. Priority and `separate_contexts` stay.
    void change_settings(const LockSettings& settings);
    // From now on a lock is granted only with a slot of the backend. Requires that none is held or
    // waited for.
    void set_backend(std::unique_ptr<LockBackend> backend);
    // Null: this table alone decides.
    LockBackend* backend() const noexcept { return backend_.get(); }
    // Returns the backend, for remove_lock_queue(), which closes it.
    std::unique_ptr<LockBackend> release_backend() noexcept { return std::move(backend_); }
    // Returns why no lock can be granted at this moment; empty if nothing is known of that kind.
    std::string obstacle() const { return backend_ == nullptr ? "" : backend_->obstacle(); }
    // Returns whether the queue still exists.
    bool open() const noexcept { return queue_ != nullptr; }

    // --- for listings

    // Returns the keys that match the pattern and are held, waited for or have a semaphore that was
    // made at run time, ordered by context and key.
    std::vector<const LockKey*> find(const KeyPattern& pattern = KeyPattern("*")) const;
    // Returns those of them that are `chosen`; if there are more than `most`, any `most` + 1 of
    // them, soon.
    std::vector<const LockKey*> find(const KeyPattern& pattern, std::size_t most,
                                     const std::function<bool(const LockKey&)>& chosen) const;
    // Returns this key in the context, or, with null, in all contexts; empty if there is none.
    std::vector<const LockKey*> find(const IndexValue& key, const std::string* context) const;
    // Lists so many holders and waiters at most, and counts all.
    LockListing listing_of(const LockKey& key, std::size_t most = unlimited) const;
    // The same as find(), described.
    std::vector<LockListing> list(const KeyPattern& pattern = KeyPattern("*")) const;
    // Those of them that are held or waited for.
    std::vector<LockListing> list_used() const;
    // Those that have a semaphore which was made at run time, in order of creation.
    std::vector<LockListing> list_semaphores() const;
    std::size_t waiting() const noexcept { return waiting_; }
    std::size_t holding() const noexcept { return holding_; }
    // Returns the number of semaphores that were made at run time.
    std::size_t semaphores() const noexcept { return semaphores_.size(); }
    // Returns the number of keys in memory, in use or not.
    std::size_t keys() const noexcept;
    // Of all contexts, also those that do not exist any more.
    LockStatistics statistics() const { return contexts_.statistics(); }
    // By the name of the context: those that the settings name, and "default".
    std::map<std::string, LockStatistics> statistics_by_context() const {
        return contexts_.statistics_by_context();
    }
    const LockStatistics& statistics_of_others() const noexcept {
        return contexts_.statistics_of_others();
    }
    // Returns the deadlocks that exist now; not all if there are very many.
    std::vector<Deadlock> deadlocks();

    // --- semaphores, by name

    // The largest size that a client can choose.
    static constexpr std::size_t largest_semaphore = 0xffffffff;

    // From now on `size` locks on the key may be held; what is held counts. They leave their own
    // queue in the root with this priority. Throws std::logic_error if the key has a Semaphore,
    // std::invalid_argument for a size of 0.
    void create_semaphore(std::string_view context, const IndexValue& key, std::size_t size,
                          int priority, std::string made_by = {});
    // The same for a client, which is named in listings. Throws LocksInUse if the key is held or
    // waited for: an exclusive lock stays exclusive, whatever other clients do. Throws
    // LockLimitReached if there are as many as the settings allow. It expires when it is not used.
    void create_semaphore_of_client(std::string_view context, const IndexValue& key,
                                    std::size_t size, std::string made_by);
    bool has_semaphore(std::string_view context, const IndexValue& key);
    // A smaller size counts as locks are given back. With a larger one, waiters take the new slots
    // before anything else happens. Throws std::invalid_argument if there is no such Semaphore, or
    // for a size of 0.
    void resize_semaphore(std::string_view context, const IndexValue& key, std::size_t size);
    // From now on as many may be held as the settings say. What is held stays held. Does nothing
    // if there is no such Semaphore. To be called in the scheduler's context; see Semaphore.
    void destroy_semaphore(std::string_view context, const IndexValue& key,
                           const Scheduler::Processor& processor);
    // Returns when the next semaphore of a client expires; nothing if none is unused.
    std::optional<Time> next_semaphore_expiry() const noexcept;
    // To be called in the scheduler's context.
    void destroy_expired_semaphores(const Scheduler::Processor& processor);

    // --- locks that are taken away from their holders, who learn it: a LockLostEvent is sent, and
    // a session is told

    // Returns how many holders of the key there were; with a token, only that grant is meant.
    std::size_t break_locks(std::string_view context, const IndexValue& key,
                            std::optional<std::uint64_t> token, const std::string& reason);
    // Returns when the next lock is to be taken away because of its longest hold; nothing if none
    // is.
    std::optional<BootTime> next_end_of_hold() const;
    // Takes away those whose time is over.
    void end_holds();

    // --- for locks and waits

    // Checks a key and a context that a client has chosen: throws std::invalid_argument if one is
    // empty, LockLimitReached if one is too long.
    void check_key(const IndexValue& key, std::string_view context) const;
    Ref<LockContext> context(std::string_view name) { return contexts_.get(name); }
    Ref<LockContext> context() { return contexts_.get_default(); }
    // Returns the key that the lock is on now. Throws NoLockQueue.
    LockKey& resolve(LockState& state) {
        if (state.resolved_at != generation_) [[unlikely]] {
            find_place(state);
        }
        return *state.place;
    }
    // Takes the lock for the owner, which moves to the lock's event, if a slot is free; otherwise
    // returns the matcher of the signal to wait for. `request` leaves the waiters with that; null:
    // there is none. Throws FencingError, LockSessionClosed and NoLockQueue.
    Matcher take(LockState& state, LockOwner& owner, LockRequest* request);
    // Throws LockLimitReached if there are as many waiters as are allowed.
    void check_limits(const LockState& state);
    // Throws UpgradeRefused if the owner holds the key to read: a lock that excludes that would
    // wait for it.
    static void refuse_upgrade(const LockState& state, const LockOwner& owner);
    // Adds a waiter, the last of its key. `refused`: what take() has returned, if it was asked.
    // May end its wait with an error, or another one: that of a deadlock.
    void line_up(LockRequest& request, const Matcher& refused);
    // Removes a waiter from the line of its key.
    void remove(LockRequest& request) noexcept;
    // Ends all waits for a Lock that is destroyed.
    static void abandon(LockState& state) noexcept;
    // Returns whether the session waits for a lock.
    bool waits(SessionRecord& session) const noexcept {
        return graph_.find({nullptr, &session}) != nullptr;
    }
    // Ends the waits of a session.
    void fail_waits(SessionRecord& session, const std::exception_ptr& error) noexcept;
    // Ends all waits with an error, takes all locks from their holders and is closed; the queues
    // are to be removed. To be called in the scheduler's context.
    void close(const Scheduler::Processor& processor);

    // --- for keys, events and queues

    void serve(LockKey& key) noexcept override;
    void released(LockEvent& event) noexcept override;
    void lose(LockEvent& event) noexcept override;
    LockKey& key_of(const LockEvent& event) override;
    void queue_is_gone(const LockQueue& queue) noexcept override;

private:
    friend Ref<Queue> add_lock_queue(Scheduler& scheduler, LockSettings settings,
                                     std::unique_ptr<FencingTokens> tokens);

    void find_place(LockState& state);
    LockEvent& event_of(LockState& state, LockKey& key);
    LockKey* find_semaphore(const LockContext& context, const IndexValue& key) const noexcept;
    LockKey& find_or_make(LockContext& context, const IndexValue& key);
    void apply_rules(const LockContext& context, LockKey& key) const;
    void bound(LockEvent& event, LockKey& key);
    void take_away(LockEvent& event, const std::string& reason) noexcept;
    void serve_with_backend(LockKey& key) noexcept;
    void serve_next(LockKey& key) noexcept;
    bool ask_backend(LockRequest& request, LockKey& key);
    bool take_with_backend(LockRequest& request, LockKey& key);
    void fail_later(LockRequest& request, std::exception_ptr error) noexcept;
    void slot_granted(RemoteSlot& slot) noexcept override;
    void slot_not_free(RemoteSlot& slot) noexcept override;
    void slot_refused(RemoteSlot& slot, std::exception_ptr error) noexcept override;
    void slot_lost(RemoteSlot& slot, const std::string& reason) noexcept override;
    std::optional<Time> expiry(const LockKey& key) const noexcept;
    void destroy_semaphore(LockContext& context, LockKey& semaphore,
                           const Scheduler::Processor& processor);
    void move(LockKey& from, LockKey& to, const LockContext& context);
    void move_to_own_queue(LockEvent& held, const Ref<LockEvent>& event, LockKey& key);
    void serve_later(LockKey& key);
    void leave_line(LockRequest& request) noexcept;
    void look_for_deadlock(LockRequest& request, bool begins);
    void look_for_deadlocks_of(LockKey& key);
    void log_deadlock(const std::string& text);
    void request_call();
    void do_calls() noexcept;
    std::vector<LockRequest*> requests() const;
    static LockRequest* find_request(const LockKey& key, std::uint64_t serial) noexcept;
    void fail_all(const std::exception_ptr& error);
    template <class F>
    void for_each_key(F visit) const;

    static constexpr int client_semaphore_priority = 1000;

    LockSettings settings_;  // named contexts refer to theirs
    std::unique_ptr<FencingTokens> tokens_;
    Queue* queue_ = nullptr;
    LockQueue* leaf_ = nullptr;
    LockContexts contexts_;
    NodeMap<LockKey> shared_keys_;
    std::vector<Ref<LockKey>> semaphores_;
    // To be done when the running routine waits.
    std::vector<Ref<LockKey>> to_serve_;
    // By serial; null: it only tries, and the key is not free.
    std::vector<std::pair<std::uint64_t, std::exception_ptr>> to_fail_;
    bool called_ = false;
    std::uint64_t generation_ = 1;  // changes when a context and key may lead to another LockKey
    std::size_t waiting_ = 0;
    std::size_t holding_ = 0;
    std::uint64_t serials_ = 0;
    DeadlockDetector graph_;
    Time deadlocks_logged_since_{};
    std::size_t deadlocks_logged_ = 0;
    std::size_t deadlocks_not_logged_ = 0;  // since the last line
    // The last member: its end may have slots end, which need the others.
    std::unique_ptr<LockBackend> backend_;
};

inline LockTable& table_of(const LockState& state) noexcept {
    return static_cast<LockTable&>(*state.home);
}

template <class F>
void LockTable::for_each_key(F visit) const {
    shared_keys_.for_each(visit);
    contexts_.for_each([&](const LockContext& context) { context.keys().for_each(visit); });
}

// Adds the lock queue to the scheduler's queue tree: from now on there may be Locks. Without
// `tokens`, fencing tokens start at the clock. Throws std::invalid_argument if there is such a
// queue.
Ref<Queue> add_lock_queue(Scheduler& scheduler, LockSettings settings = {},
                          std::unique_ptr<FencingTokens> tokens = {});

// co_await remove_lock_queue(scheduler): removes it. If locks are held or waited for, throws
// LocksInUse, which lists by whom. With `force`, waits end with NoLockQueue, and locks are taken
// from their holders. Then closes the backend, if the table has one. Does nothing if there is no
// such queue.
Task<> remove_lock_queue(Scheduler& scheduler, bool force = false);

}  // namespace weir
