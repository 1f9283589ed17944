#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/event/blocked_events.h"
#include "core/event/event_counts.h"
#include "core/event/match_tree.h"
#include "core/queue/queue.h"
#include "core/run/late_timers.h"
#include "core/run/poller.h"
#include "core/run/subscriber.h"
#include "core/run/system_events.h"
#include "core/run/timer.h"
#include "core/run/trace.h"

namespace weir {

class Mailbox;
class NextRound;
class Routine;

struct SchedulerOptions {
    /// How many events are processed between two polls at most. With `std::nullopt` there is no
    /// limit: routines that answer each event with another then keep timers, I/O and signals
    /// waiting.
    std::optional<std::size_t> process_events = 1000;
    /// The root of the queue tree.
    QueueOptions queue = {};
    /// Where the scheduler and its routines log; default: standard error.
    LogSink log = {};
};

/// The event loop. Takes events from the queue tree, one after the other, and resumes the routines
/// that wait for them. Polls the world (I/O, timers) when there is nothing left to do, and every
/// few rounds while there is.
///
/// Everything happens on the thread that calls run(). Other threads reach it by a Poster only.
class Scheduler final : private Poller::User {
public:
    /// A round that has taken longer ends, though more events wait; each 32nd event looks.
    static constexpr Duration round_budget = std::chrono::milliseconds(10);
    /// A round that takes longer is logged as a warning.
    static constexpr Duration long_round = std::chrono::seconds(1);

    /// The poller must outlive the scheduler. Throws std::invalid_argument if `process_events` is
    /// 0.
    explicit Scheduler(Poller& poller, SchedulerOptions options = {});
    ~Scheduler();
    Scheduler(const Scheduler&) = delete;
    Scheduler& operator=(const Scheduler&) = delete;

    // --- events

    Queue& queue() const noexcept { return *queue_; }

    /// Sends an event into the queue tree. Returns an empty matcher, or, if its queue is full, the
    /// matcher of the signal to wait for before trying again. In a routine: co_await send(event).
    Matcher try_send(const Ref<Event>& event) { return try_send(*event); }
    Matcher try_send(Event& event);
    /// Sends the event whatever the limits of its queue.
    void emergency_send(const Ref<Event>& event) { emergency_send(*event); }
    void emergency_send(Event& event);
    /// Takes an event back that is in a queue still: no receiver gets it, senders that wait for
    /// room get its slot, and it may be sent again. It counts neither as sent nor as one that has
    /// left its queue. Returns false, and does nothing, if it is in no queue: it was delivered, or
    /// its sender waits.
    bool withdraw(Event& event);
    /// Returns whether an event may go from its sender to the receiver of its type (see
    /// EventDeclaration) without the queue tree, because nothing could tell the difference: no
    /// tracer or subscriber could notice the event, and it passes by its queue (Queue::pass_by).
    /// Then the event counts as sent and delivered, and the caller gives it to the receiver.
    /// Otherwise nothing has changed, and the caller sends it.
    bool may_pass_by(const Event& event, PassBy how) {
        if (notices(event.type()) || !queue_->pass_by(event, how)) {
            return false;
        }
        match_tree_.count(event.type());
        return true;
    }
    /// Lets a blocked event leave its queue again, because the receiver of its type can take it
    /// now. Does nothing if it does not block.
    void deliver_again(Event& event);
    /// Drops the blocked events that match, as if they had been processed.
    void ignore(const Matcher& matcher);
    /// The same for one event; does nothing if it does not block.
    void ignore(Event& event);

    // --- time

    Time now() noexcept { return poller_.now(); }
    /// Returns when the running round began, as the poll before it has read the clock: a bit old,
    /// but free.
    Time time_of_round() const noexcept { return round_began_; }
    /// Returns how many rounds there were.
    std::uint64_t rounds() const noexcept { return rounds_; }
    /// Sends a TimerEvent `after` from now, never earlier, and then, if there is an interval, every
    /// `interval`. Throws std::invalid_argument if the interval is negative.
    Timer set_timer(Duration after, Duration interval = {});
    /// The same for a timer that the caller has made, and that is not active.
    void set_timer(TimerState& timer, Duration after);

    // --- running

    /// Runs until only daemons are left, or nothing can happen any more, or it was told to quit and
    /// all routines have cleaned up. Then closes the routines that still wait. May be called again.
    /// Throws std::logic_error if it runs already, std::bad_alloc, and what the poller throws;
    /// after that, too, it may be called again, and nothing is lost.
    void run();

    /// Makes all routines quit: each receives a QuitException where it waits. With `daemons_only`,
    /// only daemons do.
    void quit(bool daemons_only = false);
    bool quitting() const noexcept { return quitting_; }
    /// Makes run() return as soon as the running event is done, and close all routines.
    void quit_now() noexcept;

    // --- running in parts, inside of another program's loop: see LoopGuest

    // run() is: begin(); while (round(can_happen)) { can_happen = poll; after_poll(); } end();
    void begin();
    // Processes what there is. `can_happen`: whether the last poll left something that can happen.
    // Returns false if the run has ended.
    bool round(bool can_happen);
    // How long a poll may wait: 0 if there is something to do; none: without end.
    std::optional<Duration> time_to_wait() noexcept override;
    // Lets timers fire, unless they are late and input goes first (LateTimers), and what the poll
    // brought begin. `polled`: whether there was a poll since the last call.
    void after_poll(bool polled = true);
    // Closes what still waits.
    void end() noexcept;
    // Sends the `idle` event: nothing has happened for a while.
    void nothing_happened() noexcept override;

    /// Returns where Posters put what they post. Made at the first call.
    const std::shared_ptr<Mailbox>& mailbox();

    // --- for subscribers and awaitables

    using Processor = std::function<void(const Ref<Event>&)>;

    /// Returns whether a call is pending: asked for, and not made yet.
    bool call_pending() const noexcept { return !calls_.empty(); }
    /// Calls the function in the scheduler's own context, when the running routine waits again.
    /// Code there may clear and remove queues, and deliver events at once with the processor.
    void call_in_own_context(std::function<void(const Processor&)> function);

    /// To be called for a blocked event that leaves its queue otherwise.
    void forget_blocked(Event& event) noexcept { blocked_events_.remove(event); }

    /// Delivers events that match to the subscriber from now on, after the subscribers that are
    /// there already. Blocked events that match leave their queues again.
    Subscription& subscribe(Subscriber& subscriber, const Matcher& matcher) {
        return subscribe_in(match_tree_, subscriber, matcher);
    }
    /// The same, but delivers only events that no receiver has taken: those that would block their
    /// queue now. They come after all other receivers, in the same delivery. Of several such
    /// subscribers, the first that matches gets the event.
    Subscription& subscribe_to_untaken(Subscriber& subscriber, const Matcher& matcher) {
        return subscribe_in(untaken_tree_, subscriber, matcher);
    }
    /// Has the effect of subscribing to `matcher` and then unsubscribing `subscription`, but is
    /// cheaper; the two have to match the same events. Returns false, and has changed nothing, if
    /// that cannot be done.
    bool renew(Subscription& subscription, const Matcher& matcher) noexcept;
    void unsubscribe(Subscription& subscription) noexcept;
    void unsubscribe_all(Subscriber& subscriber) noexcept;
    /// Lists the subscriber until delist(). A listed subscriber receives quit(), in the order of
    /// enlisting, and keeps the scheduler running unless it is a daemon.
    void enlist(Subscriber& subscriber) noexcept;
    void delist(Subscriber& subscriber) noexcept;

    /// Lets the routine take a turn (Routine::take_turn) when the running event is done.
    void make_ready(Routine& routine);
    /// Lets the wait end in the next round: a SystemControlEvent `go_on` is sent after the next
    /// poll, and resumes it.
    void await_next_round(NextRound& wait) noexcept;
    /// Called by the receiver of that event.
    void go_on(const Event& event) noexcept;

    Routine* current() const noexcept { return current_; }
    Routine* exchange_current(Routine* routine) noexcept {
        if (tracer_ != nullptr) [[unlikely]] {
            tracer_->running(routine);
        }
        return std::exchange(current_, routine);
    }

    // --- for listings and tests

    Poller& poller() const noexcept { return poller_; }
    BlockedEvents& blocked_events() noexcept { return blocked_events_; }
    const BlockedEvents& blocked_events() const noexcept { return blocked_events_; }
    const TimerHeap& timers() const noexcept { return timers_; }
    /// Returns how many events of each type have left their queues and were delivered, to receivers
    /// or to none. An event that blocks its queue counts again when it is delivered again.
    const EventCounts& delivered() const noexcept { return delivered_; }
    const List<Subscriber, Scheduler>& subscribers() const noexcept { return subscribers_; }
    /// Returns the routines that take a turn when the running event is done; null for those that
    /// have taken it.
    const std::vector<Ref<Routine>>& ready() const noexcept { return ready_; }

    /// The tracer sees each step of every event, and each routine that runs; null: there is none.
    /// It must outlive the scheduler, or be replaced before.
    Tracer* tracer() const noexcept { return tracer_; }
    void set_tracer(Tracer* tracer) noexcept { tracer_ = tracer; }
    bool traced() const noexcept { return tracer_ != nullptr; }
    /// Returns whether the tracer or a subscriber could notice an event of this type. False is
    /// certain.
    bool notices(const EventType& type) noexcept {
        return tracer_ != nullptr || match_tree_.may_match(type);
    }

    /// Logs a text of the running routine. `source`: see LogRecord.
    void log(LogLevel level, std::string_view text, std::string_view source = {}) const;
    /// Logs the current exception; to be called in its handler. `routine`: of which it is, if not
    /// of the running one.
    void log_exception(std::string_view where, const Routine* routine = nullptr) const noexcept;

private:
    friend class Subscriber;

    bool alive() const noexcept { return keeping_alive_ > 0; }
    template <class E>
    void send_own(Ref<E>& event, typename E::Type type);
    void process_round();
    [[gnu::noinline]] bool round_takes_long() noexcept;
    [[gnu::noinline]] void process_and_signal(const Ref<Event>& event);
    [[gnu::noinline]] void put_back(const Ref<Event>& event);
    bool attend(const Event& event);
    void warn_if_long(Time ended) const;
    void process(const Ref<Event>& event, const std::vector<Ref<QueueIsEmptyEvent>>& emptied);
    void process_signal(const Ref<QueueCanWriteEvent>& signal);
    void wake_senders(QueueSignals& signals);
    void deliver(const Ref<Event>& event, Subscription& subscription);
    [[gnu::noinline]] void deliver_found(const Ref<Event>& event, std::size_t begin);
    [[gnu::noinline]] bool taken_at_last(const Ref<Event>& event);
    Subscription& subscribe_in(MatchTree& tree, Subscriber& subscriber, const Matcher& matcher);
    MatchTree::PredicateFailed predicate_failed() const;
    void run_calls() {
        if (attention_ && !calls_.empty()) [[unlikely]] {
            make_calls();
        }
    }
    void make_calls();
    void forget_deliveries(Subscription& subscription) noexcept;
    void unblock_matching(const Matcher& matcher);
    void unblock(Event& event);
    void run_ready() {
        if (!ready_.empty()) {
            run_all_ready();
        }
    }
    void run_all_ready();
    void tell_to_quit(bool daemons_only);
    bool timers_must_wait(bool polled) noexcept;
    void fire_timers(Time time);
    bool droppable(const Event& event) const noexcept;
    [[gnu::noinline]] bool droppable_now(const Event& event) const noexcept;
    [[gnu::noinline]] void hold_back(const Ref<Event>& event,
                                     const std::vector<Ref<QueueIsEmptyEvent>>& emptied);
    void close_all();

    Poller& poller_;
    const SchedulerOptions options_;
    LogSink log_;
    Tracer* tracer_ = nullptr;
    Ref<Queue> queue_;
    EventCounts delivered_;
    MatchTree match_tree_;    // counts what is delivered
    MatchTree untaken_tree_;  // of the subscribers that take what is left
    BlockedEvents blocked_events_;
    TimerHeap timers_;
    List<Subscriber, Scheduler> subscribers_;
    std::size_t keeping_alive_ = 0;  // subscribers that are no daemons
    Routine* current_ = nullptr;
    // Whether something besides the next event may have to be done: a call, the turn of a routine
    // that is ready, quitting. Code that asks for it sets the flag, which is the one that each
    // event looks at; attend() does what there is, and clears the flag.
    bool attention_ = false;
    std::vector<Ref<Routine>> ready_;
    std::vector<std::function<void(const Processor&)>> calls_;
    Processor processor_;
    std::shared_ptr<Mailbox> mailbox_;  // shared with the Posters, which may outlive the scheduler
    QueueSignals signals_;              // of the event that is processed
    // The events of each round: the same objects again, unless code keeps one.
    Ref<SystemControlLowPriorityEvent> loop_event_;
    Ref<SystemControlEvent> go_on_event_;
    // Subscriptions found, but not yet delivered to; null: gone meanwhile.
    std::vector<MatchTree::Entry*> deliveries_;
    std::size_t subscriptions_ = 0;
    std::uint64_t subscriptions_made_ = 0;
    List<NextRound, Scheduler> yielding_;  // wait for the next round
    const Matcher go_on_matcher_;          // of its event, for tracers
    Time round_began_{};
    std::uint64_t rounds_ = 0;
    LateTimers late_timers_;
    bool running_ = false;
    bool quitting_ = false;
    bool quit_now_ = false;
    bool go_on_wanted_ = false;
};

inline void Subscriber::set_daemon(bool daemon) noexcept {
    if (daemon_ != daemon) {
        daemon_ = daemon;
        if (registered_) {
            scheduler_->keeping_alive_ += daemon ? static_cast<std::size_t>(-1) : 1U;
        }
    }
}

}  // namespace weir
