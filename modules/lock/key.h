#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/base/list.h"
#include "core/event/matcher.h"
#include "core/event/node_map.h"
#include "core/queue/fair_turns.h"
#include "core/queue/queue.h"
#include "modules/lock/state.h"

namespace weir {

class LockContext;
class LockQueue;
class LockTable;
class LockWait;

// What locks exclude each other on: the holders, who waits, and how many may hold it at a time.
//
// Those who wait do not wait for events themselves: the key gives places to them in the order in
// which they came. So one who goes away takes no signal with it, and none can be overtaken. When
// there may be a place, the queue tells the key; while others could notice it does so by the signal
// that other senders wait for.
//
// Exists while a lock or an event refers to it, or the queue's record of who was served lately.
class LockKey final : public RefCounted<LockKey>, public FairLink<LockKey>, public pool::Pooled {
public:
    // Of one context, or, with null, of all those that share their keys.
    LockKey(LockTable& table, LockContext* context, const IndexValue& key);
    ~LockKey();

    const IndexValue& key() const noexcept { return key_; }
    LockTable& table() const noexcept { return table_; }
    // Null if several contexts share the key.
    const LockContext* context() const noexcept { return context_.get(); }

    // How many may hold it at a time.
    std::size_t size() const noexcept { return size_; }
    std::size_t holding() const noexcept { return holding_; }
    std::size_t waiting() const noexcept { return waiting_; }
    const List<LockState, LockKey>& holders() const noexcept { return holders_; }
    const List<LockWait, LockKey>& waiters() const noexcept { return waiters_; }

    // Whether there is a place for one more. An event that has been unlocked takes its place until
    // it has left the queue; a lock that is held counts even if its event was taken out of there.
    bool has_place() const noexcept { return events_ < size_ && holding_ < size_; }

private:
    friend class LockQueue;
    friend class LockTable;
    friend class LockWait;
    friend struct LockState;
    class Signal;

    // Gives places to those who wait, as long as there are any.
    void serve() noexcept;
    // Those who wait are to be served when there is this signal.
    void wait_for(const Matcher& signal);
    void subscribe(const Matcher& signal);
    // Whether it waits for a signal itself.
    bool subscribed() const noexcept;
    void add(LockWait& wait) noexcept;
    void remove(LockWait& wait) noexcept;

    LockTable& table_;
    const Ref<LockContext> context_;
    const IndexValue key_;
    NodeMap<LockKey>* map_ = nullptr;  // where it is found; null: nowhere
    std::size_t size_ = 1;
    List<LockState, LockKey> holders_;
    std::size_t holding_ = 0;
    List<LockWait, LockKey> waiters_;
    std::size_t waiting_ = 0;
    std::unique_ptr<Signal> signal_;  // made when it is first needed

    // What the queue knows of the key.
    List<Event> ready_;                 // events that may leave
    List<LockState, LockQueue> seats_;  // the same in their other form
    std::size_t events_ = 0;            // all its events, in whatever form
    std::size_t seated_ = 0;            // of these, seats
    Matcher can_write_;                 // of the signal that there may be a place
    bool waited_ = false;               // somebody waits for the signal
    bool others_wait_ = false;          // or has waited, who sends events himself

    Queue* semaphore_queue_ = nullptr;  // the subqueue of its own, if there is a Semaphore
};

}  // namespace weir
