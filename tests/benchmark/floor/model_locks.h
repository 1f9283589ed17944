#pragma once

#include <algorithm>
#include <stdexcept>

#include "core/base/histogram.h"
#include "tests/benchmark/floor/model.h"

// The locks of the floor; see observable_floor.cpp.
namespace weir::floor {

class LockWait;

struct LockKey : FairLink<LockKey>, pool::Pooled {
    explicit LockKey(IndexValue of) noexcept : value(std::move(of)) {}
    const IndexValue& key() const noexcept { return value; }

    const IndexValue value;
    std::uint32_t references = 0;
    List<Event> ready;       // events that may leave
    std::size_t events = 0;  // these, and the one that blocks
    Event* holder = nullptr;
    List<LockWait> waiters;
    std::size_t waiting = 0;
};

struct Statistics {
    std::uint64_t acquired = 0;
    std::uint64_t contended = 0;
    Histogram wait_time;
    Histogram hold_time;
};

class Locks final : public EventQueue {
public:
    explicit Locks(Scheduler& scheduler) : scheduler_(scheduler) {
        scheduler.set_queue(Scheduler::locks, *this);
    }
    ~Locks() override {
        while (turns_.remembered() != 0) {
            forget_turn(*turns_.pop_oldest());
        }
    }

    LockKey& find(const IndexValue& index) {
        LockKey* key = keys_.find(index);
        if (key == nullptr) {
            key = new LockKey(index);
            keys_.insert(*key);
        }
        ++key->references;
        return *key;
    }
    void release(LockKey& key) noexcept {
        if (--key.references == 0) {
            keys_.erase(key);
            delete &key;
        }
    }

    // Takes the lock for the routine if it is free. Returns its event; null if it has to wait.
    Event* try_take(LockKey& key, Routine& routine) {
        return key.events == 0 && key.waiting == 0 ? &take_for(key, routine) : nullptr;
    }
    void line_up(LockKey& key, LockWait& wait);
    void give_back(Event& event) {
        LockKey& key = *event.key;
        statistics_.hold_time.record(scheduler_.now() - event.since);
        --event.owner->locks_held;
        event.owner = nullptr;
        event.held = false;
        key.holder = nullptr;
        if (event.blocked) {
            event.blocked = false;
            make_ready(event);
        }
    }

    void add(Event& event) override {
        ++event.key->events;
        ++size;
        make_ready(event);
    }
    Event& take(bool& more) override {
        turns_.make_room();
        LockKey& key = turns_.take_turn();
        Event& event = key.ready.pop_front();
        if (key.served() == 0) {
            ++key.references;
        }
        turns_.served(
            key, [this] { return std::min<std::size_t>(1024, 10 * turns_.shares() + 10); },
            [this](LockKey* oldest) { forget_turn(*oldest); });
        if (key.ready.empty()) {
            turns_.remove(key);
        }
        more = !turns_.empty();
        if (!event.held) {
            --key.events;
            --size;
        }
        return event;
    }
    void left(Event& event) override;

private:
    static constexpr std::size_t most_waiters = 1'000'000;

    Event& take_for(LockKey& key, Routine& routine) {
        auto& event = *new Event(type_, key.value);
        event.key = &key;
        ++key.references;  // released when it has left
        event.held = true;
        event.owner = &routine;
        event.since = scheduler_.now();
        event.token = ++token_;
        ++event.references;
        ++routine.locks_held;
        key.holder = &event;
        ++statistics_.acquired;
        scheduler_.send(event);
        return event;
    }
    void make_ready(Event& event) {
        LockKey& key = *event.key;
        key.ready.push_back(event);
        if (!key.in_ring()) {
            turns_.add(key);
        }
        scheduler_.set_ready(Scheduler::locks);
    }
    void forget_turn(LockKey& key) noexcept {
        if (FairTurns<LockKey>::forget_turn(key)) {
            turns_.drop_share(key);
            release(key);
        }
    }

    Scheduler& scheduler_;
    Type type_{"lock", Scheduler::locks};
    NodeMap<LockKey> keys_;
    FairTurns<LockKey> turns_;
    List<Event> blocked_;
    Statistics statistics_;
    std::uint64_t token_ = 0;
    std::uint64_t serials_ = 0;
    std::size_t waiting_ = 0;
};

// A lock in the frame of its owner.
class Lock {
public:
    Lock(Scheduler& scheduler, Locks& locks, const IndexValue& key)
        : scheduler_(scheduler), locks_(locks), key_(locks.find(key)) {}
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;
    ~Lock() {
        unlock();
        locks_.release(key_);
    }

    LockWait lock() noexcept;
    void unlock() noexcept {
        if (Event* const event = std::exchange(event_, nullptr)) {
            locks_.give_back(*event);
            scheduler_.release(*event);
        }
    }

private:
    friend class LockWait;

    Scheduler& scheduler_;
    Locks& locks_;
    LockKey& key_;
    Event* event_ = nullptr;
};

class LockWait : public Link<LockWait> {
public:
    explicit LockWait(Lock& lock) noexcept : lock_(lock) {}

    bool await_ready() const noexcept { return false; }
    bool await_suspend(Handle coroutine,
                       const std::source_location& at = std::source_location::current()) {
        routine = coroutine.promise().routine;
        lock_.event_ = lock_.locks_.try_take(lock_.key_, *routine);
        if (lock_.event_ != nullptr) {
            return false;
        }
        routine->waits_at = at;
        lock_.locks_.line_up(lock_.key_, *this);
        return true;
    }
    void await_resume() const noexcept {}

    void granted(Event& event) noexcept { lock_.event_ = &event; }

    Routine* routine = nullptr;
    Time since{};
    std::uint64_t serial = 0;

private:
    Lock& lock_;
};

inline LockWait Lock::lock() noexcept {
    return LockWait(*this);
}

inline void Locks::line_up(LockKey& key, LockWait& wait) {
    if (key.waiting >= most_waiters || waiting_ >= most_waiters) {
        throw std::runtime_error("too many wait");
    }
    wait.since = scheduler_.now();
    wait.serial = ++serials_;
    key.waiters.push_back(wait);
    ++key.waiting;
    ++waiting_;
}

// An event that holds its lock blocks the queue. When one has left, the next waiter is served.
inline void Locks::left(Event& event) {
    LockKey& key = *event.key;
    if (event.held) {
        event.blocked = true;
        blocked_.push_back(event);
        return;
    }
    if (key.waiting != 0 && key.events == 0) {
        LockWait& wait = key.waiters.pop_front();
        --key.waiting;
        --waiting_;
        ++statistics_.contended;
        statistics_.wait_time.record(scheduler_.now() - wait.since);
        wait.granted(take_for(key, *wait.routine));
        scheduler_.resume(*wait.routine);
    }
    release(key);
}

}  // namespace weir::floor
