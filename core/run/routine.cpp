#include "core/run/routine.h"

#include <cassert>
#include <new>
#include <stdexcept>
#include <utility>

#include "core/base/safe_text.h"
#include "core/run/scheduler.h"
#include "core/run/wait.h"
#include "core/run/watch.h"

namespace weir {

// --- the functions of tasks, waits and watch scopes that need the routine

void TaskPromise::start_in(Routine& r, std::coroutine_handle<> self,
                           std::coroutine_handle<> awaiting) noexcept {
    routine = &r;
    awaiter = awaiting;
    r.resume_next(self);
}

void TaskPromise::resume_awaiter() noexcept {
    if (awaiter) {
        routine->resume_next(awaiter);
    }
}

void Wait::leave_routine() noexcept {
    if (routine_->wait_ == this) {
        routine_->wait_ = nullptr;
        routine_->next_ = nullptr;
    }
}

void Wait::suspend(Routine& routine, std::coroutine_handle<> coroutine) noexcept {
    routine_ = &routine;
    routine.wait_ = this;
    routine.next_ = coroutine;
}

void Wait::resume() noexcept {
    if (routine_ != nullptr) {
        routine_->wait_is_over(*this);
    }
}

std::string Wait::describe() const {
    std::string text;
    for (const Matcher& matcher : matchers()) {
        text += (text.empty() ? "" : " or ") + matcher.describe();
    }
    return text;
}

void WatchScope::enter(Routine& routine, std::coroutine_handle<> awaiting) noexcept {
    routine_ = &routine;
    outer_ = routine.watches_;
    awaiting_ = awaiting;
    routine.watches_ = this;
}

void WatchScope::leave() noexcept {
    if (Routine* routine = std::exchange(routine_, nullptr)) {
        routine->watches_ = outer_;
    }
}

// --- Routine

namespace {

// Each promise begins with a TaskPromise, whatever the result of its task.
TaskPromise& promise_of(std::coroutine_handle<> coroutine) noexcept {
    return std::coroutine_handle<TaskPromise>::from_address(coroutine.address()).promise();
}

}  // namespace

Routine::Routine(Scheduler& scheduler, Container& container, Ref<RoutineRare> rare,
                 const std::source_location& started_at) noexcept
    : Subscriber(scheduler),
      container_(&container),
      started_at_(started_at),
      rare_(std::move(rare)) {}

void Routine::set_trace_context(Ref<TraceContext> context) noexcept {
    if (rare_ == nullptr || !rare_->sole()) {
        if (context == nullptr) {
            return;  // it has none yet
        }
        try {
            rare_ = Ref<RoutineRare>(new RoutineRare(name()));
        } catch (const std::bad_alloc&) {
            return;
        }
    }
    rare_->trace_context = std::move(context);
}

const std::string Routine::no_name;

std::string Routine::describe() const {
    std::string text = name().empty() ? "a routine" : "'" + name() + "'";
    return text + " started at " + started_at_.file_name() + ':' +
           std::to_string(started_at_.line());
}

std::vector<RoutineFrame> Routine::frames() const {
    std::vector<RoutineFrame> result;
    // A frame begins with the address of the code that resumes it.
    const auto add = [&result](std::coroutine_handle<> coroutine, bool waits) {
        const TaskPromise& promise = promise_of(coroutine);
        result.push_back({*static_cast<const void* const*>(coroutine.address()),
                          coroutine.address(), waits ? promise.waits_at : std::source_location()});
        return promise.awaiter;
    };
    if (coroutine_ == nullptr) {
        return result;
    }
    if (running_ || wait_ == nullptr) {
        add(coroutine_, false);
        return result;
    }
    for (std::coroutine_handle<> next = next_; next;) {
        next = add(next, true);
    }
    return result;
}

void Routine::start(std::coroutine_handle<> coroutine, bool foreground) {
    assert(coroutine && coroutine_ == nullptr);
    coroutine_ = coroutine;
    promise_of(coroutine).routine = this;
    retain();  // released by finish()
    if (foreground) {
        std::exception_ptr failure;
        failure_ = &failure;
        run(coroutine);
        failure_ = nullptr;
        if (failure) {
            std::rethrow_exception(failure);
        }
    } else {
        pending_ = true;
        try {
            scheduler().make_ready(*this);
        } catch (...) {
            finish();
            throw;
        }
    }
}

void Routine::take_turn() noexcept {
    if (pending_) {
        pending_ = false;
        run(coroutine_);
    } else if (wait_ != nullptr) {
        wait_->take_turn();
    }
}

std::coroutine_handle<> Routine::end_wait() noexcept {
    if (Wait* wait = std::exchange(wait_, nullptr)) {
        wait->routine_ = nullptr;
    }
    return std::exchange(next_, nullptr);
}

void Routine::resume(std::coroutine_handle<> coroutine) noexcept {
    for (next_ = coroutine; next_ && wait_ == nullptr;) {
        std::exchange(next_, nullptr).resume();
    }
}

// Until finish() the routine keeps itself alive. Nothing may touch it after that.
void Routine::run(std::coroutine_handle<> coroutine) noexcept {
    if (run_until_it_waits(coroutine)) {
        wait_again();
    }
}

bool Routine::run_until_it_waits(std::coroutine_handle<> coroutine) noexcept {
    Routine* const caller = scheduler().exchange_current(this);
    running_ = true;
    resume(coroutine);
    running_ = false;
    scheduler().exchange_current(caller);
    if (closing_ || coroutine_.done()) {
        finish();
        return false;
    }
    return true;
}

// Returns whether the routine waits for no matcher, or for one, and the same as before, as most do:
// then no subscription changes, and the routine keeps its place in the order of delivery, as in
// VLCP. False is not certain.
inline bool Routine::is_subscribed(std::span<const Matcher> matchers) const noexcept {
    if (watches_ != nullptr) {
        return false;
    }
    return matchers.empty() ? subscriptions_.empty()
                            : matchers.size() == 1 && only_subscribes(matchers[0]);
}

inline void Routine::begin_wait(std::size_t matchers) noexcept {
    waiting_since_ = scheduler().time_of_round();
    scheduler().enlist(*this);
    wait_matchers_ = static_cast<std::uint32_t>(matchers);
}

void Routine::wait_again() noexcept {
    if (wait_ != nullptr) [[likely]] {
        const auto matchers = wait_->matchers();
        if (is_subscribed(matchers)) {
            begin_wait(matchers.size());
            if (!matchers.empty()) {
                subscriptions_.front().position = 0;
            }
            return;
        }
    }
    update_subscriptions();
}

// The part of wait_again() in which subscriptions change.
[[gnu::noinline]] void Routine::update_subscriptions() {
    const Ref<Routine> keep(this);  // a predicate that sees a blocked event may close the routine
    const auto update = [this] {
        if (wait_ == nullptr) {
            throw std::logic_error("it awaits something that is not of weir");
        }
        const auto matchers = wait_->matchers();
        begin_wait(matchers.size());
        if (!subscriptions_.empty() || matchers.size() > 1 || watches_ != nullptr) {
            replace_subscriptions(matchers);
        } else if (matchers.size() == 1 && matchers[0]) {
            scheduler().subscribe(*this, matchers[0]).position = 0;
        }
    };
    constexpr int most_attempts = 3;
    for (int attempts = 1;; ++attempts) {
        try {
            update();
            return;
        } catch (...) {
            if (wait_ == nullptr || attempts == most_attempts) {
                scheduler().log_exception(
                    safe_text([this] { return describe() + " could not wait"; }), this);
                finish();
                return;
            }
            wait_->interruption_ = std::current_exception();
        }
        // There is no memory to wait: the coroutine is resumed with the exception.
        if (!run_until_it_waits(end_wait())) {
            return;
        }
    }
}

void Routine::wait_is_over(Wait& wait) noexcept {
    if (wait_ == &wait) {
        run(end_wait());
    }
}

void Routine::matched(const Ref<Event>& event, Subscription& subscription) noexcept {
    // Code that is called here may close the routine. Because it counts as running, it is then
    // closed at the end of this function, not inside of the call.
    Routine* const caller = scheduler().exchange_current(this);
    running_ = true;
    const Wait::Then then = subscription.position < wait_matchers_
                                ? ask_wait(event, subscription)
                                : ask_watches(event, subscription.position);
    if (then == Wait::Then::resume && !closing_) {
        resume(end_wait());
    }
    running_ = false;
    scheduler().exchange_current(caller);
    if (closing_ || coroutine_.done()) {
        finish();
    } else if (then != Wait::Then::wait_on) {
        wait_again();
    }
}

inline Wait::Then Routine::ask_wait(const Ref<Event>& event, Subscription& subscription) noexcept {
    if (wait_ == nullptr) {
        return Wait::Then::wait_on;
    }
    try {
        return wait_->matched(event, subscription);
    } catch (...) {
        if (wait_ != nullptr) {
            wait_->interruption_ = std::current_exception();
        }
        return Wait::Then::resume;
    }
}

Wait::Then Routine::ask_watches(const Ref<Event>& event, std::size_t position) noexcept {
    std::size_t first = wait_matchers_;
    for (WatchScope* scope = watches_; scope != nullptr; scope = scope->outer_) {
        const std::size_t count = scope->matchers_.size();
        if (position < first + count) {
            try {
                scope->callback_(event, position - first);
            } catch (...) {
                scope->failure_ = std::current_exception();
                scope->abandon();
                next_ = scope->awaiting_;
                return Wait::Then::resume;
            }
            break;
        }
        first += count;
    }
    return Wait::Then::wait_on;
}

// Subscribes to the new matchers, in order, and then unsubscribes from those that the routine no
// longer waits for. This is VLCP's order, which decides which routine an event finds first. A
// matcher that the routine still waits for keeps its position.
void Routine::replace_subscriptions(std::span<const Matcher> matchers) {
    // Most often another matcher is the same one, made anew.
    if (matchers.size() == 1 && watches_ == nullptr && subscriptions_.has_one() &&
        subscriptions_.front().matcher != matchers[0] &&
        scheduler().renew(subscriptions_.front(), matchers[0])) {
        subscriptions_.front().position = 0;
        return;
    }
    // The subscriptions of before; those that are wanted again are moved back. The others are
    // unsubscribed, on failure too.
    struct Old : List<Subscription, Subscriber> {
        Scheduler& scheduler;
        explicit Old(Scheduler& s) noexcept : scheduler(s) {}
        ~Old() {
            while (!empty()) {
                scheduler.unsubscribe(front());
            }
        }
    } old(scheduler());
    while (!subscriptions_.empty()) {
        old.push_back(subscriptions_.front());
    }
    std::uint32_t position = 0;
    const auto want = [&](const Matcher& matcher) {
        if (!matcher) {
            ++position;
            return;  // it matches nothing
        }
        // Most often the same matchers come in the same order: then it is the first that is left.
        Subscription* found = old.empty() ? nullptr : &old.front();
        while (found != nullptr && found->matcher != matcher) {
            found = old.next(*found);
        }
        if (found != nullptr) {
            subscriptions_.push_back(*found);
        } else {
            found = &scheduler().subscribe(*this, matcher);
        }
        found->position = position++;
    };
    for (const Matcher& matcher : matchers) {
        want(matcher);
    }
    for (WatchScope* scope = watches_; scope != nullptr; scope = scope->outer_) {
        for (const Matcher& matcher : scope->matchers_) {
            want(matcher);
        }
    }
}

void Routine::interrupt(std::exception_ptr exception) noexcept {
    if (wait_ == nullptr || running_) {
        return;
    }
    wait_->interruption_ = std::move(exception);
    run(end_wait());
}

void Routine::quit() noexcept {
    interrupt(std::make_exception_ptr(QuitException()));
}

void Routine::close() noexcept {
    if (running_) {
        closing_ = true;
    } else {
        finish();
    }
}

void Routine::finish() noexcept {
    if (coroutine_ == nullptr) {
        return;
    }
    std::coroutine_handle<> coroutine = coroutine_;
    if (const auto& thrown = promise_of(coroutine).exception; thrown && coroutine.done()) {
        try {
            if (failure_ != nullptr) {
                *failure_ = thrown;
            } else {
                std::rethrow_exception(thrown);
            }
        } catch (const QuitException&) {
        } catch (...) {
            scheduler().log_exception(safe_text([this] { return describe() + " ended"; }), this);
        }
    }
    // While it is unwound the routine counts as running: to close it again does nothing.
    Routine* const caller = scheduler().exchange_current(this);
    running_ = true;
    pending_ = false;
    wait_ = nullptr;
    coroutine.destroy();
    coroutine_ = nullptr;
    running_ = false;
    scheduler().exchange_current(caller);
    scheduler().delist(*this);
    List<Routine, Container>::remove(*this);
    container_ = nullptr;
    release();
}

}  // namespace weir
