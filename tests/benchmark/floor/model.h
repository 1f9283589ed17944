#pragma once

#include <bit>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <source_location>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/base/list.h"
#include "core/base/pool.h"
#include "core/event/index_value.h"
#include "core/event/node_map.h"
#include "core/queue/fair_turns.h"

// Events, routines and the scheduler of the floor; see observable_floor.cpp.
namespace weir::floor {

class Scheduler;
class Routine;
struct LockKey;

// --- events and matchers

// Where matchers of one index of a type are found, in the order of waiting.
class Subscription;
struct Node : pool::Pooled {
    explicit Node(IndexValue of) noexcept : index(std::move(of)) {}
    const IndexValue& key() const noexcept { return index; }
    const IndexValue index;
    List<Subscription> subscriptions;
};

struct Type {
    const char* name;
    unsigned queue;  // the queue of its events
    NodeMap<Node> nodes = {};

    Node& node(const IndexValue& index) {
        Node* node = nodes.find(index);
        if (node == nullptr) {
            node = new Node(index);
            nodes.insert(*node);
        }
        return *node;
    }
    ~Type() {
        nodes.for_each([](Node& node) { delete &node; });
    }
};

struct Event : Link<Event>, pool::Pooled {
    Event(Type& of_type, IndexValue with_index) noexcept
        : type(&of_type), index(std::move(with_index)) {}

    Type* type;
    const IndexValue index;
    std::uint32_t references = 1;
    bool kept = false;  // one of the scheduler's own, which is sent again
    bool held = false;  // a lock's: it blocks
    bool blocked = false;
    LockKey* key = nullptr;
    Routine* owner = nullptr;
    Time since{};
    std::uint64_t token = 0;
};

// A tracer that could see each step.
struct Tracer {
    virtual ~Tracer() = default;
    virtual void saw(const Event& event) = 0;
};

// What a poll costs at least: a call that tells the time.
struct Poller {
    virtual ~Poller() = default;
    virtual Time poll() noexcept { return Time(Duration(++polls)); }
    Duration::rep polls = 0;
};

// --- routines

struct Container;
struct Waiting;

class Routine : public Link<Routine, Container>,
                public Link<Routine, Waiting>,
                public pool::Pooled {
public:
    Routine(Scheduler& on, const std::source_location& at) noexcept
        : scheduler(on), started_at(at) {}

    Scheduler& scheduler;
    std::coroutine_handle<> coroutine;
    std::source_location started_at;
    std::source_location waits_at;
    Time waiting_since{};
    std::uint32_t locks_held = 0;
};

struct Task {
    struct promise_type {
        static void* operator new(std::size_t size) { return pool::allocate(size); }
        static void operator delete(void* frame, std::size_t size) noexcept {
            pool::deallocate(frame, size);
        }
        Task get_return_object() noexcept {
            return {std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        std::suspend_always initial_suspend() const noexcept { return {}; }
        std::suspend_always final_suspend() const noexcept { return {}; }
        void return_void() const noexcept {}
        void unhandled_exception() const noexcept { std::terminate(); }

        Routine* routine = nullptr;
    };
    std::coroutine_handle<promise_type> coroutine;
};

using Handle = std::coroutine_handle<Task::promise_type>;

// A matcher in the frame of the coroutine that awaits it; it keeps its position from wait to wait.
class Subscription : public Link<Subscription> {
public:
    explicit Subscription(Node& node) noexcept { node.subscriptions.push_back(*this); }

    bool await_ready() const noexcept { return false; }
    void await_suspend(Handle coroutine,
                       const std::source_location& at = std::source_location::current()) noexcept;
    void await_resume() noexcept { event = nullptr; }

    Routine* routine = nullptr;  // while it waits
    Event* event = nullptr;
};

// --- the scheduler

class EventQueue {
public:
    virtual ~EventQueue() = default;
    virtual void add(Event& event) = 0;
    // Removes the next event; says whether it may be followed by another one.
    virtual Event& take(bool& more) = 0;
    virtual void left(Event&) {}
    std::uint64_t popped = 0;
    std::size_t size = 0;
};

// One class of events in fair turns: first in, first out.
class FifoQueue final : public EventQueue {
public:
    void add(Event& event) override {
        events_.push_back(event);
        if (size++ == 0) {
            turns_.add(class_);
        }
    }
    Event& take(bool& more) override {
        turns_.make_room();
        turns_.take_turn();
        Event& event = events_.pop_front();
        turns_.served(
            class_, [] { return std::size_t{10}; },
            [](Class* oldest) { FairTurns<Class>::forget_turn(*oldest); });
        if (--size == 0) {
            turns_.remove(class_);
        }
        more = size != 0;
        return event;
    }

private:
    struct Class : FairLink<Class> {};
    Class class_;
    FairTurns<Class> turns_;
    List<Event> events_;
};

class Scheduler {
public:
    enum Priority : unsigned { control, locks, plain, low };

    explicit Scheduler(Poller& poller) : poller_(poller) {
        queues_[control] = &control_;
        queues_[plain] = &plain_;
        queues_[low] = &low_;
    }

    void set_queue(Priority priority, EventQueue& queue) { queues_[priority] = &queue; }
    void set_ready(unsigned priority) noexcept { ready_ |= 1U << priority; }
    Time now() const noexcept { return now_; }
    Node& go_on() noexcept { return go_on_node_; }
    void want_go_on() noexcept { go_on_wanted_ = true; }

    void start(Task task, const std::source_location& at = std::source_location::current()) {
        auto* const routine = new Routine(*this, at);
        routine->coroutine = task.coroutine;
        task.coroutine.promise().routine = routine;
        routines_.push_back(*routine);
        to_start_.push_back(routine);
    }

    void send(Event& event) {
        EventQueue& queue = *queues_[event.type->queue];
        queue.add(event);
        set_ready(event.type->queue);
        if (tracer_ != nullptr) [[unlikely]] {
            tracer_->saw(event);
        }
    }

    void release(Event& event) noexcept {
        if (--event.references == 0) {
            delete &event;
        }
    }

    void resume(Routine& routine) {
        Routine* const caller = std::exchange(current_, &routine);
        List<Routine, Waiting>::remove(routine);
        routine.coroutine.resume();
        if (routine.coroutine.done()) {
            List<Routine, Container>::remove(routine);
            routine.coroutine.destroy();
            delete &routine;
        } else {
            routine.waiting_since = now_;
            waiting_.push_back(routine);
        }
        current_ = caller;
    }

    void run() {
        start_routines();
        while (!routines_.empty()) {
            ++rounds_;
            send_own(loop_);
            while (ready_ != 0) {
                process();
                start_routines();
            }
            now_ = poller_.poll();
            if (std::exchange(go_on_wanted_, false)) {
                send_own(go_on_);
            }
        }
    }

private:
    void start_routines() {
        for (std::size_t i = 0; i != to_start_.size(); ++i) {
            waiting_.push_back(*to_start_[i]);
            resume(*to_start_[i]);
        }
        to_start_.clear();
    }

    void send_own(Event& event) {
        ++event.references;
        send(event);
    }

    void process() {
        const auto priority = static_cast<unsigned>(std::countr_zero(ready_));
        EventQueue& queue = *queues_[priority];
        bool more = false;
        Event& event = queue.take(more);
        ++queue.popped;
        if (!more) {
            ready_ &= ~(1U << priority);
        }
        if (tracer_ != nullptr) [[unlikely]] {
            tracer_->saw(event);
        }
        if (const Node* const node = event.type->nodes.find(event.index)) {
            deliver(event, *node);
        }
        queue.left(event);
        if (!event.held) {
            release(event);
        }
    }

    void deliver(Event& event, const Node& node) {
        Subscription* next = node.subscriptions.empty() ? nullptr : &node.subscriptions.front();
        while (next != nullptr) {
            Subscription& one = *next;
            next = node.subscriptions.next(one);
            if (Routine* const routine = std::exchange(one.routine, nullptr)) {
                one.event = &event;
                resume(*routine);
            }
        }
    }

    Poller& poller_;
    Tracer* tracer_ = nullptr;
    EventQueue* queues_[4] = {};
    std::uint32_t ready_ = 0;
    FifoQueue control_;
    FifoQueue plain_;
    FifoQueue low_;
    Type loop_type_{"loop", low};
    Type go_on_type_{"go_on", control};
    Event loop_{loop_type_, 0};
    Event go_on_{go_on_type_, 0};
    Node& go_on_node_ = go_on_type_.node(0);
    List<Routine, Container> routines_;
    List<Routine, Waiting> waiting_;
    std::vector<Routine*> to_start_;
    Routine* current_ = nullptr;
    std::uint64_t rounds_ = 0;
    Time now_{};
    bool go_on_wanted_ = false;
};

inline void Subscription::await_suspend(Handle coroutine, const std::source_location& at) noexcept {
    routine = coroutine.promise().routine;
    routine->waits_at = at;
}

// Waits for the next round.
struct NextRound : Subscription {
    explicit NextRound(Scheduler& scheduler) noexcept : Subscription(scheduler.go_on()) {
        scheduler.want_go_on();
    }
};

}  // namespace weir::floor
