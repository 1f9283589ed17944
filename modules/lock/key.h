#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "core/base/clock.h"
#include "core/base/list.h"
#include "core/base/pool.h"
#include "core/event/event.h"
#include "core/event/matcher.h"
#include "core/event/node_map.h"
#include "core/queue/fair_turns.h"
#include "core/queue/queue.h"
#include "modules/lock/home.h"

namespace weir {

class LockContext;
class LockRequest;
struct LockState;

// A semaphore that was made at run time: the queue of its key, and what listings show.
struct SemaphoreRecord {
    Queue* queue = nullptr;  // the key's own subqueue of the root
    std::string made_by;     // the client; empty: code of a module, which destroys it itself
    std::string client;      // by which it is counted; empty: it is not
    Time made{};
    Time used{};  // when the last holder or waiter left, or made
};

// The key of locks that exclude each other: its holders, its waiters, and how many may hold it at a
// time (more than one: a semaphore).
//
// Waiters do not wait for events: the key grants slots to them in the order in which they came. A
// waiter that is cancelled therefore loses no wake-up, and FIFO order holds. When a slot may be
// free, the queue has the key served directly. Only while another sender could observe the
// difference, the key waits for the same signal as that sender.
//
// Exists while a lock or an event refers to it, or the queue's history of served keys does.
class LockKey final : public RefCounted<LockKey>, public FairLink<LockKey>, public pool::Pooled {
public:
    // `context` is null for a key that contexts share.
    LockKey(LockHome& home, LockContext* context, const IndexValue& key);
    ~LockKey();

    const IndexValue& key() const noexcept { return key_; }
    LockHome& home() const noexcept { return home_; }
    // Null if several contexts share the key.
    const LockContext* context() const noexcept { return context_.get(); }

    // How many may hold it at a time.
    std::size_t size() const noexcept { return size_; }
    // Whether it is a semaphore, of whatever size: made at run time, or by a rule of the settings.
    bool is_semaphore() const noexcept { return semaphore_ != nullptr || by_rule_; }
    // The semaphore that was made at run time; null if there is none.
    const SemaphoreRecord* semaphore() const noexcept { return semaphore_.get(); }
    bool in_use() const noexcept { return holding_ != 0 || waiting_ != 0; }
    std::size_t holding() const noexcept { return holding_; }
    // How many of the holders hold it to read.
    std::size_t reading() const noexcept { return reading_; }
    std::size_t waiting() const noexcept { return waiting_; }
    const List<LockEvent, LockKey>& holders() const noexcept { return holders_; }
    const List<LockRequest, LockKey>& waiters() const noexcept { return waiters_; }

    // Whether a slot is free. An event whose lock has been given back takes its slot until it has
    // left the queue; a lock that is held counts even if its event was taken out of there.
    bool has_place() const noexcept { return events_ < size_ && holding_ < size_; }
    // Whether locks to read hold it, which others may join. On a semaphore a lock to read is a slot
    // as any other.
    bool admits_readers() const noexcept {
        return reading_ != 0 && reading_ == holding_ && !is_semaphore();
    }
    bool has_place_for(bool reads) const noexcept {
        return has_place() || (reads && admits_readers());
    }
    // How many more locks of that kind the present holders admit.
    std::size_t slots_for(bool reads) const noexcept {
        if (reads && !is_semaphore()) {
            return reading_ == holding_ ? unlimited : 0;
        }
        return size_ > holding_ ? size_ - holding_ : 0;
    }
    // Whether the waiter may join the holders without waiting for any of them: it reads as they do,
    // and no other waiter stands before it that does not.
    bool may_join(const LockRequest& waiter) const noexcept;
    // Returns the position of the Lock's first wait in the line: 1 is the next one, 0 it does not
    // wait. With a backend, waiters of other processes that were before the first one when it
    // looked last are counted too: all are served in turn, and so this is a lower limit.
    std::size_t position_of(const LockState& lock) const noexcept;

private:
    friend class LockQueue;
    friend class LockTable;
    class Signal;

    // Lets the waiters be served when this signal is sent.
    void wait_for(const Matcher& signal);
    // The same, by a subscription of its own.
    void subscribe(const Matcher& signal);
    void unsubscribe() noexcept;
    bool subscribed() const noexcept;
    // Whether the first waiter may join the holders.
    bool next_may_join() const noexcept;

    LockHome& home_;
    const Ref<LockContext> context_;
    const IndexValue key_;
    NodeMap<LockKey>* map_ = nullptr;  // where it is found; null: nowhere
    std::size_t size_ = 1;
    List<LockEvent, LockKey> holders_;
    std::size_t holding_ = 0;
    std::size_t reading_ = 0;
    List<LockRequest, LockKey> waiters_;
    std::size_t waiting_ = 0;
    std::unique_ptr<Signal> signal_;  // made when it is first needed

    // What the queue knows of the key.
    List<Event> ready_;         // events that may leave
    std::size_t events_ = 0;    // these, and those that block
    Matcher can_write_;         // of the signal that there may be a place
    bool waited_ = false;       // the key or a sender waits for the signal
    bool others_wait_ = false;  // a sender that is no LockRequest waits, or has waited

    std::unique_ptr<SemaphoreRecord> semaphore_;
    bool by_rule_ = false;       // the settings give it a size
    Duration longest_hold_{};    // by the settings; zero: any
    bool bounds_holds_ = false;  // because of that, or of a backend
};

}  // namespace weir
