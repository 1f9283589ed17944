#include "core/run/scheduler.h"

#include <algorithm>
#include <stdexcept>

#include "core/base/safe_text.h"
#include "core/run/mailbox.h"
#include "core/run/prefetch.h"
#include "core/run/routine.h"

namespace weir {

Scheduler::Scheduler(Poller& poller, SchedulerOptions options)
    : poller_(poller),
      options_(std::move(options)),
      log_(options_.log ? options_.log : log_to_stderr()),
      queue_(new Queue(options_.queue)),
      match_tree_(predicate_failed(), &delivered_),
      untaken_tree_(predicate_failed()),
      blocked_events_(predicate_failed()),
      processor_([this](const Ref<Event>& event) { process(event, {}); }),
      go_on_matcher_(match<SystemControlEvent>(SystemControlEvent::Type::go_on).make()),
      round_began_(poller.now()) {
    if (options_.process_events == 0) {
        throw std::invalid_argument("a scheduler that processes no events does nothing for ever");
    }
    poller_.set_user(this);
}

MatchTree::PredicateFailed Scheduler::predicate_failed() const {
    return [this](const Matcher& matcher, const Event& event) {
        log_exception(safe_text(
            [&] { return "the predicate of " + matcher.describe() + " for " + event.describe(); }));
    };
}

Scheduler::~Scheduler() {
    close_all();
    if (mailbox_ != nullptr) {
        mailbox_->close();
    }
    poller_.set_user(nullptr);
}

// --- events

Matcher Scheduler::try_send(Event& event) {
    Matcher wait = queue_->append(event, false);
    if (tracer_ != nullptr) [[unlikely]] {
        if (wait) {
            tracer_->refused(event, wait);
        } else {
            tracer_->queued(event, false);
        }
    }
    return wait;
}

void Scheduler::emergency_send(Event& event) {
    queue_->append(event, true);
    if (tracer_ != nullptr) [[unlikely]] {
        tracer_->queued(event, true);
    }
}

bool Scheduler::withdraw(Event& event) {
    if (!event.queued()) {
        return false;
    }
    const Ref<Event> keep(&event);
    // First what may fail: then the event is where it was.
    const auto signals = std::make_shared<QueueSignals>();
    call_in_own_context([this, signals](const Processor&) {
        wake_senders(*signals);
        for (const auto& signal : signals->empty) {
            process(signal, {});
        }
    });
    blocked_events_.remove(event);
    Queue::withdraw(event, *signals);
    if (tracer_ != nullptr) [[unlikely]] {
        tracer_->withdrawn(event);
    }
    return true;
}

void Scheduler::ignore(const Matcher& matcher) {
    if (!matcher) {
        return;
    }
    std::vector<Ref<Event>> taken;
    blocked_events_.take(matcher, taken);
    for (const Ref<Event>& event : taken) {
        event->set_ignorable();
        unblock(*event);
    }
}

void Scheduler::ignore(Event& event) {
    if (!BlockedEvents::holds(event)) {
        return;
    }
    const Ref<Event> keep(&event);
    blocked_events_.remove(event);
    event.set_ignorable();
    unblock(event);
}

void Scheduler::deliver_again(Event& event) {
    if (BlockedEvents::holds(event)) {
        const Ref<Event> keep(&event);
        blocked_events_.remove(event);
        unblock(event);
    }
}

// --- time

Timer Scheduler::set_timer(Duration after, Duration interval) {
    if (interval < Duration::zero()) {
        throw std::invalid_argument("the interval of a timer is negative");
    }
    const Ref<TimerState> state(new TimerState(interval));
    set_timer(*state, after);
    return Timer(state);
}

void Scheduler::set_timer(TimerState& timer, Duration after) {
    const Time time = now();
    // A time that the clock cannot tell counts as never; the sum must not overflow.
    timers_.set(timer, time + std::clamp(after, Duration::zero(), Time::max() - time));
}

void Scheduler::fire_timers(Time time) {
    while (!timers_.empty() && timers_.next_due() <= time) {
        TimerState& timer = timers_.next();
        // Without memory for the event the timer stays due.
        const Ref<TimerState> state = timer.state_of_event();
        emergency_send(make_event<TimerEvent>(state.get(), state));
        if (timer.interval() > Duration::zero()) {
            timers_.postpone_next(timer.due() + timer.interval());
        } else {
            TimerHeap::cancel(timer);
        }
    }
}

bool Scheduler::timers_must_wait(bool polled) noexcept {
    const Duration lateness =
        timers_.empty() ? Duration::zero() : round_began_ - timers_.next_due();
    const bool quiet =
        lateness > LateTimers::late && !queue_->can_pop() && ready_.empty() && calls_.empty();
    return late_timers_.must_wait(lateness, polled, quiet);
}

// --- other threads

const std::shared_ptr<Mailbox>& Scheduler::mailbox() {
    if (mailbox_ == nullptr) {
        mailbox_ = std::make_shared<Mailbox>(poller_, [this](Mailbox::Posts posts) {
            call_in_own_context([this, posts = std::move(posts)](const Processor&) {
                for (const auto& function : posts) {
                    try {
                        function();
                    } catch (...) {
                        log_exception("a posted function ended");
                    }
                }
            });
        });
    }
    return mailbox_;
}

void Scheduler::make_ready(Routine& routine) {
    ready_.emplace_back(&routine);
    attention_ = true;
}

void Scheduler::call_in_own_context(std::function<void(const Processor&)> function) {
    calls_.push_back(std::move(function));
    attention_ = true;
}

// --- delivering events

inline bool Scheduler::droppable(const Event& event) const noexcept {
    return event.ignorable() ||
           (event.type().can_ignore_now_function() != nullptr && droppable_now(event));
}

bool Scheduler::droppable_now(const Event& event) const noexcept {
    try {
        return event.droppable();
    } catch (...) {
        log_exception(safe_text([&] { return "can_ignore_now() of " + event.describe(); }));
        return false;
    }
}

inline void Scheduler::deliver(const Ref<Event>& event, Subscription& subscription) {
    if (tracer_ != nullptr) [[unlikely]] {
        tracer_->delivered(*event, subscription.matcher, subscription.subscriber());
    }
    subscription.subscriber().matched(event, subscription);
    run_calls();
}

// Delivers the event to the subscriptions found, from `begin` on. One that is unsubscribed
// meanwhile does not get it: unsubscribe() puts a null in its place.
void Scheduler::deliver_found(const Ref<Event>& event, std::size_t begin) {
    const std::size_t end = deliveries_.size();
    for (std::size_t i = begin; i != end; ++i) {
        auto& subscription = static_cast<Subscription&>(*deliveries_[i]);
        ++subscription.deliveries_;
        subscription.last_delivery_ = static_cast<std::uint32_t>(i);
    }
    for (std::size_t i = begin; i != end; ++i) {
        if (MatchTree::Entry* entry = std::exchange(deliveries_[i], nullptr)) {
            auto& subscription = static_cast<Subscription&>(*entry);
            --subscription.deliveries_;
            deliver(event, subscription);
        }
    }
    deliveries_.resize(begin);
}

void Scheduler::process(const Ref<Event>& event,
                        const std::vector<Ref<QueueIsEmptyEvent>>& emptied) {
    // The receivers are decided before the first delivery: a subscriber that comes meanwhile does
    // not get the event. A single receiver cannot be unsubscribed before the delivery.
    const std::size_t begin = deliveries_.size();
    if (MatchTree::Entry* const only = match_tree_.match_only(*event, deliveries_)) {
        deliver(event, static_cast<Subscription&>(*only));
    } else if (deliveries_.size() != begin) [[unlikely]] {
        deliver_found(event, begin);
    }
    if (const EventType::Receiver receive = event->type().receiver()) {
        receive(*event);
        run_calls();
    }
    // An event that is in a queue again has been sent on by its receiver.
    if (event->queued() || droppable(*event) || taken_at_last(event)) {
        blocked_events_.remove(*event);  // it may have blocked before: see LeafQueue::let_go()
        for (const auto& signal : emptied) {
            process(signal, {});
        }
    } else {
        hold_back(event, emptied);
    }
}

// Delivers an event that would block, because no receiver has taken it, to the subscriber that
// takes what is left. Returns whether the event need not block then.
bool Scheduler::taken_at_last(const Ref<Event>& event) {
    MatchTree::Entry* const last = untaken_tree_.match_first(*event);
    if (last == nullptr) {
        return false;
    }
    deliver(event, static_cast<Subscription&>(*last));
    return event->queued() || droppable(*event);
}

void Scheduler::hold_back(const Ref<Event>& event,
                          const std::vector<Ref<QueueIsEmptyEvent>>& emptied) {
    blocked_events_.insert(*event);
    queue_->block(*event, emptied);
    if (tracer_ != nullptr) [[unlikely]] {
        tracer_->blocked(*event);
    }
}

// Wakes one sender after the other while there is a free slot, in the order of waiting. To wake all
// of them would resume most only to wait again.
void Scheduler::process_signal(const Ref<QueueCanWriteEvent>& signal) {
    std::uint64_t last = 0;
    std::optional<bool> place = signal->limit.get()->has_place(*signal);
    run_calls();
    if (!place.has_value()) {
        process(signal, {});
        return;
    }
    for (; place.value_or(false); place = signal->limit.get()->has_place(*signal)) {
        auto* subscription = static_cast<Subscription*>(match_tree_.match_first(*signal));
        if (subscription == nullptr || subscription->serial_ == last) {
            return;  // no sender waits, or only one that does not use the slot
        }
        last = subscription->serial_;
        deliver(signal, *subscription);
    }
}

void Scheduler::wake_senders(QueueSignals& signals) {
    while (!signals.serving.empty()) {
        signals.serving.pop_front().serve_waiters();
        run_calls();
    }
    for (const auto& signal : signals.can_write) {
        process_signal(signal);
    }
}

void Scheduler::make_calls() {
    while (!calls_.empty()) {
        std::vector<std::function<void(const Processor&)>> calls = std::exchange(calls_, {});
        for (auto& next : calls) {
            // Destroyed once it has run: a later call may unload its code.
            const std::function<void(const Processor&)> call = std::move(next);
            try {
                call(processor_);
            } catch (...) {
                log_exception("a call in the scheduler's context");
            }
        }
    }
}

void Scheduler::run_all_ready() {
    for (std::size_t i = 0; i != ready_.size(); ++i) {
        const Ref<Routine> routine = std::move(ready_[i]);
        routine->take_turn();
        run_calls();
    }
    ready_.clear();
}

// --- running

void Scheduler::quit(bool daemons_only) {
    if (!quitting_) {
        quitting_ = attention_ = true;
        emergency_send(
            make_event<SystemControlEvent>(SystemControlEvent::Type::quit, daemons_only));
        poller_.wake();
    }
}

void Scheduler::quit_now() noexcept {
    quitting_ = quit_now_ = attention_ = true;
    poller_.wake();
}

void Scheduler::tell_to_quit(bool daemons_only) {
    // Told are the subscribers that are listed now, in the order of their first wait. Each may end
    // others, which then leave the list that they are in.
    List<Subscriber, Scheduler> to_tell;
    while (!subscribers_.empty()) {
        to_tell.push_back(subscribers_.front());
    }
    while (!to_tell.empty()) {
        Subscriber& subscriber = to_tell.front();
        subscribers_.push_back(subscriber);
        if (!daemons_only || subscriber.daemon_) {
            subscriber.quit();
            run_calls();
        }
    }
    run_ready();
}

namespace {

// What a round seldom does is kept out of its code, so that what it does for each event is inline.

template <class E>
[[gnu::noinline]] Ref<E> make_own(typename E::Type type) {
    return make_event<E>(type);
}

[[gnu::noinline]] void look_ahead(const List<Event>& behind, const MatchTree& tree) noexcept {
    Prefetch::upcoming(behind, tree);
}

}  // namespace

template <class E>
void Scheduler::send_own(Ref<E>& event, typename E::Type type) {
    if (event == nullptr || !event->sole()) [[unlikely]] {
        event = make_own<E>(type);
    }
    event->set_ignorable();
    emergency_send(*event);
}

bool Scheduler::round_takes_long() noexcept {
    return now() - round_began_ > round_budget;
}

void Scheduler::process_round() {
    constexpr std::size_t between_looks_at_time = 32;
    ++rounds_;
    send_own(loop_event_, SystemControlLowPriorityEvent::Type::loop);
    const bool prefetches = subscriptions_ > Prefetch::many_subscriptions;
    const std::size_t most = options_.process_events.value_or(unlimited);
    for (std::size_t processed = 0; processed != most; ++processed) {
        signals_.behind = nullptr;
        const Ref<Event> event = queue_->pop(signals_);
        if (event == nullptr) {
            break;
        }
        if (tracer_ != nullptr) [[unlikely]] {
            tracer_->popped(*event);
        }
        if (prefetches && signals_.behind != nullptr) [[unlikely]] {
            look_ahead(*signals_.behind, match_tree_);
        }
        try {
            if (signals_.none()) [[likely]] {
                process(event, signals_.empty);
            } else {
                process_and_signal(event);
            }
        } catch (...) {
            put_back(event);
            throw;
        }
        if (attention_ && !attend(*event)) [[unlikely]] {
            break;
        }
        if (processed % between_looks_at_time == between_looks_at_time - 1 && round_takes_long())
            [[unlikely]] {
            break;
        }
    }
}

// An event that may block is put back before senders are woken: its slot may be taken again.
void Scheduler::process_and_signal(const Ref<Event>& event) {
    const bool wakes = !signals_.can_write.empty() || !signals_.serving.empty();
    const bool senders_first = wakes && droppable(*event);
    if (senders_first) {
        wake_senders(signals_);
    }
    process(event, signals_.empty);
    if (!senders_first) {
        wake_senders(signals_);
    }
    signals_.clear();
}

// There was no memory to process the event. It is put back, since run() may be called again.
void Scheduler::put_back(const Ref<Event>& event) {
    blocked_events_.remove(*event);
    if (!event->queued()) {
        queue_->append(*event, true);
    }
    wake_senders(signals_);
}

// Does what is asked for between two events. Returns whether the next one may come.
bool Scheduler::attend(const Event& event) {
    run_ready();
    if (quitting_ && event.is<SystemControlEvent>() &&
        event.as<SystemControlEvent>().type == SystemControlEvent::Type::quit) {
        tell_to_quit(event.as<SystemControlEvent>().daemons_only);
    }
    attention_ = quitting_ || !calls_.empty() || !ready_.empty();
    return !quit_now_;
}

std::optional<Duration> Scheduler::time_to_wait() noexcept {
    if (go_on_wanted_ || queue_->can_pop() || !ready_.empty() || !calls_.empty() || quit_now_) {
        return Duration::zero();
    }
    if (timers_.empty()) {
        return std::nullopt;
    }
    return std::max(timers_.next_due() - now(), Duration::zero());
}

void Scheduler::nothing_happened() noexcept {
    try {
        emergency_send(
            make_event<SystemControlLowPriorityEvent>(SystemControlLowPriorityEvent::Type::idle));
    } catch (...) {
        log_exception("sending the event that nothing happens ended");
    }
}

void Scheduler::run() {
    begin();
    try {
        bool can_happen = true;
        while (round(can_happen)) {
            can_happen = poller_.poll(time_to_wait());
            after_poll();
        }
    } catch (...) {
        running_ = quitting_ = quit_now_ = false;
        throw;
    }
    end();
}

void Scheduler::begin() {
    if (running_) {
        throw std::logic_error("the scheduler runs already");
    }
    emergency_send(make_event<SystemControlEvent>(SystemControlEvent::Type::init));
    signals_.clear();  // of a run that failed
    running_ = true;
    round_began_ = now();
    run_calls();
    run_ready();
}

bool Scheduler::round(bool can_happen) {
    if (!alive() || quit_now_) {
        return false;
    }
    if (!can_happen && !queue_->can_pop() && timers_.empty()) {
        if (quitting_) {
            return false;
        }
        quit(true);
    }
    process_round();
    if (alive() && !quit_now_) {
        return true;
    }
    warn_if_long(now());
    return false;
}

void Scheduler::after_poll(bool polled) {
    warn_if_long(poller_.last_poll().began);
    round_began_ = poller_.last_poll().ended;
    if (timers_must_wait(polled)) {
        poller_.wake();  // the next poll must not be left out
    } else if (!timers_.empty()) {
        fire_timers(round_began_);
    }
    if (go_on_wanted_) {
        send_own(go_on_event_, SystemControlEvent::Type::go_on);
        go_on_event_->scheduler = this;
        go_on_wanted_ = false;
    }
    run_calls();
    run_ready();
}

void Scheduler::end() noexcept {
    close_all();
    running_ = quitting_ = quit_now_ = false;
}

// During a round nothing else happens: timers are late, and peers wait. The poll after the round
// has noted when that ended.
void Scheduler::warn_if_long(Time ended) const {
    using Seconds = std::chrono::duration<double>;
    if (const Duration took = ended - round_began_; took > long_round) [[unlikely]] {
        log(LogLevel::warning,
            "a round took " + std::to_string(std::chrono::duration_cast<Seconds>(took).count()) +
                " s: a routine computes for long without waiting, or process_events is too large");
    }
}

// In a loop: destructors of what is closed may start routines.
void Scheduler::close_all() {
    while (!subscribers_.empty() || !ready_.empty()) {
        while (!subscribers_.empty()) {
            subscribers_.front().close_at_end();
        }
        for (const Ref<Routine>& routine : std::exchange(ready_, {})) {
            if (routine != nullptr) {
                routine->close();
            }
        }
    }
}

// --- logging

void Scheduler::log(LogLevel level, std::string_view text, std::string_view source) const {
    log_({level, text, source, current_});
}

void Scheduler::log_exception(std::string_view where, const Routine* routine) const noexcept {
    try {
        log_({LogLevel::error, text_with_exception(where), {}, routine ? routine : current_});
    } catch (...) {
        // The log itself has failed: there is nowhere left to report it.
    }
}

}  // namespace weir
