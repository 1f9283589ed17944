#include "modules/lock/table.h"

#include <algorithm>
#include <new>
#include <stdexcept>
#include <string>

#include "modules/lock/errors.h"
#include "modules/lock/events.h"
#include "modules/lock/program_tokens.h"
#include "modules/lock/queue.h"

namespace weir {

// --- LockContext

LockContext::LockContext(LockTable& table, std::string name, const LockContextSettings* settings,
                         bool own_keys)
    : table_(&table),
      name_(std::move(name)),
      value_(name_),
      settings_(settings),
      own_keys_(own_keys),
      own_statistics_(settings != nullptr || name_ == default_context
                          ? std::make_unique<LockStatistics>()
                          : nullptr),
      statistics_(own_statistics_ == nullptr ? table.others_ : *own_statistics_) {}

LockContext::~LockContext() {
    if (table_ != nullptr) {
        if (own_statistics_ != nullptr) {
            table_->others_.add(*own_statistics_);
        }
        table_->contexts_.erase(name_);
        if (table_->last_context_ == this) {
            table_->last_context_ = nullptr;
        }
    }
}

// --- LockTable

LockTable::LockTable(Scheduler& scheduler, LockSettings settings,
                     std::unique_ptr<FencingTokens> tokens)
    : scheduler_(scheduler),
      settings_(std::move(settings)),
      tokens_(tokens != nullptr ? std::move(tokens)
                                : program_tokens(scheduler, std::filesystem::path())) {
    for (const auto& [name, of_context] : settings_.contexts) {
        Ref<LockContext> made(new LockContext(*this, name, &of_context, true));
        contexts_[name] = made.get();
        kept_contexts_.push_back(std::move(made));
    }
    if (settings_.separate_contexts) {
        // Most locks are in it: it is not made anew each time that one is taken.
        kept_contexts_.push_back(context(default_context));
    }
}

LockTable::~LockTable() {
    for (const auto& [name, context] : contexts_) {
        context->table_ = nullptr;
    }
}

void LockTable::change_settings(const LockSettings& settings) {
    settings_.max_waiters_per_key = settings.max_waiters_per_key;
    settings_.max_waiters = settings.max_waiters;
    settings_.on_deadlock = settings.on_deadlock;
    settings_.max_semaphores = settings.max_semaphores;
    settings_.semaphore_idle_timeout = settings.semaphore_idle_timeout;
    settings_.max_key = settings.max_key;
    for (auto& [name, own] : settings_.contexts) {
        const auto found = settings.contexts.find(name);
        own = found == settings.contexts.end() ? LockContextSettings() : found->second;
    }
    for (const auto& [name, added] : settings.contexts) {
        if (settings_.contexts.contains(name)) {
            continue;
        }
        const auto found = contexts_.find(name);
        if (found != contexts_.end() && !found->second->has_own_keys()) {
            scheduler_.log(LogLevel::warning, "the context '" + name +
                                                  "' is in use: its settings take effect when the "
                                                  "settings change while it is not");
            continue;
        }
        const LockContextSettings& own = settings_.contexts.emplace(name, added).first->second;
        if (found != contexts_.end()) {
            found->second->settings_ = &own;
            kept_contexts_.emplace_back(found->second);
            continue;
        }
        Ref<LockContext> made(new LockContext(*this, name, &own, true));
        contexts_[name] = made.get();
        kept_contexts_.push_back(std::move(made));
    }
    for (const auto& [name, context] : contexts_) {
        context->keys_.for_each([&](LockKey& key) {
            const std::size_t before = key.size_;
            if (key.semaphore_ == nullptr) {
                apply_rules(*context, key);
            }
            if (key.size_ > before) {
                serve_later(key);
            } else if (key.size_ < before) {
                look_for_deadlocks_of(key);
            }
        });
    }
}

LockTable* LockTable::find(const Scheduler& scheduler) noexcept {
    const LeafQueue* taker = scheduler.queue().known_taker(event_type<LockEvent>());
    if (taker != nullptr && taker->kind() == LockQueue::kind_name) {
        return &static_cast<const LockQueue&>(*taker).table();
    }
    const Queue* queue = scheduler.queue().find("lock");
    if (queue == nullptr || queue->default_queue().kind() != LockQueue::kind_name) {
        return nullptr;
    }
    return &static_cast<const LockQueue&>(queue->default_queue()).table();
}

LockTable& LockTable::of(const Scheduler& scheduler) {
    if (LockTable* table = find(scheduler)) {
        return *table;
    }
    throw NoLockQueue("there is no lock queue; load the module 'lock' before making locks");
}

Ref<LockContext> LockTable::context(std::string_view name) {
    if (last_context_ != nullptr && last_context_->name() == name) {
        return Ref<LockContext>(last_context_);
    }
    if (const auto found = contexts_.find(name); found != contexts_.end()) {
        last_context_ = found->second;
        return Ref<LockContext>(last_context_);
    }
    Ref<LockContext> made(
        new LockContext(*this, std::string(name), nullptr, settings_.separate_contexts));
    contexts_.emplace(name, made.get());
    return made;
}

LockOwner LockTable::owner_of(const LockState& state, Routine* routine) const noexcept {
    return {Ref<Routine>(routine), state.session};
}

// --- keys

void LockTable::check_key(const IndexValue& key, std::string_view context) const {
    const auto check = [this](std::string_view text, const std::string& what) {
        if (text.empty()) {
            throw std::invalid_argument("the " + what + " is empty");
        }
        if (text.size() > settings_.max_key) {
            throw LockLimitReached("the " + what + " has " + std::to_string(text.size()) +
                                   " bytes, more than " + std::to_string(settings_.max_key) +
                                   " (max_key)");
        }
    };
    if (key.kind() == IndexValue::Kind::text) {
        check(key.text(), "key");
    }
    check(context, "context");
}

void LockTable::apply_rules(const LockContext& context, LockKey& key) {
    key.size_ = 1;
    key.by_rule_ = false;
    if (context.settings() == nullptr) {
        return;
    }
    for (const SemaphoreRule& rule : context.settings()->semaphores) {
        if (rule.keys.matches(key.key())) {
            key.size_ = std::max<std::size_t>(rule.size, 1);
            key.by_rule_ = true;
            return;
        }
    }
}

LockKey& LockTable::find_or_make(LockContext& context, const IndexValue& key) {
    if (!context.keys_.empty()) {
        if (LockKey* found = context.keys_.find(key)) {
            return *found;
        }
    }
    NodeMap<LockKey>& map = context.has_own_keys() ? context.keys_ : shared_keys_;
    if (!context.has_own_keys()) {
        if (LockKey* found = map.find(key)) {
            return *found;
        }
    }
    auto made = std::make_unique<LockKey>(*this, context.has_own_keys() ? &context : nullptr, key);
    apply_rules(context, *made);
    map.insert(*made);
    made->map_ = &map;
    return *made.release();
}

void LockTable::find_place(LockState& state) {
    if (!open()) {
        throw NoLockQueue("the lock queue is gone: the module 'lock' has been unloaded");
    }
    state.place = Ref<LockKey>(&find_or_make(*state.context, state.key));
    state.resolved_at = generation_;
}

// Returns the lock queue that would take the lock's event; null if another kind of queue would.
LockQueue* LockTable::queue_of(LockState& state) {
    const std::uint64_t shape = scheduler_.queue().shape();
    if (queue_found_at_ == shape && queue_of_all_ != nullptr) [[likely]] {
        return queue_of_all_;
    }
    return state.queue_found_at == shape ? state.queue : find_queue(state);
}

LockQueue* LockTable::find_queue(LockState& state) {
    const LockState* const locker = &state;
    const Ref<LockEvent> event =
        make_event<LockEvent>(state.context->value(), state.key, locker, Ref<LockState>(&state));
    const Queue::Taker taker = scheduler_.queue().taker(*event);
    LockQueue* found = nullptr;
    if (taker.queue->kind() == LockQueue::kind_name) {
        found = static_cast<LockQueue*>(taker.queue);
    }
    if (found != nullptr && &found->table() != this) {
        found = nullptr;
    }
    queue_found_at_ = state.queue_found_at = scheduler_.queue().shape();
    queue_of_all_ = taker.of_all ? found : nullptr;
    state.queue = found;
    return found;
}

void LockTable::show_all() {
    if (leaf_ != nullptr) {
        leaf_->show_all();
    }
    for (const Ref<LockKey>& semaphore : semaphores_) {
        static_cast<LockQueue&>(semaphore->semaphore_->queue->default_queue()).show_all();
    }
}

// Moves the holders and waiters of a context from one LockKey to another.
void LockTable::move(LockKey& from, LockKey& to, const LockContext& context) {
    std::vector<LockState*> holders;
    for (LockState& holder : from.holders_) {
        if (holder.context.get() == &context) {
            holders.push_back(&holder);
        }
    }
    for (LockState* holder : holders) {
        to.holders_.push_back(*holder);
        --from.holding_;
        ++to.holding_;
        holder->place = Ref<LockKey>(&to);
    }
    std::vector<LockWait*> waiters;
    for (LockWait& wait : from.waiters_) {
        if (wait.state().context.get() == &context) {
            waiters.push_back(&wait);
        }
    }
    for (LockWait* wait : waiters) {
        from.remove(*wait);
        to.add(*wait);
        wait->state().place = Ref<LockKey>(&to);
        wait->state().resolved_at = generation_;
    }
}

// --- taking and giving back

// Takes a slot by an event that goes through the whole queue tree.
Matcher LockTable::send_event(LockState& state) {
    const LockState* const locker = &state;
    const Ref<LockEvent> event =
        make_event<LockEvent>(state.context->value(), state.key, locker, Ref<LockState>(&state));
    if (Matcher refused = scheduler_.try_send(event)) {
        return refused;
    }
    state.event = event.get();
    return {};
}

Matcher LockTable::take(LockState& state, const LockOwner& owner, LockWait* wait) {
    if (state.session_closed) {
        throw LockSessionClosed(describe_lock(state) + ": the session has been closed");
    }
    LockKey& key = resolve(state);
    tokens_->ensure();
    const bool as_event = scheduler_.traced() || key.events_ != key.seated_;
    LockQueue* const queue = as_event ? nullptr : queue_of(state);
    if (Matcher refused = queue != nullptr ? queue->seat(state, key) : send_event(state)) {
        return refused;
    }
    if (wait != nullptr) {
        remove(*wait);
    }
    if (queue != nullptr) {
        state.event = nullptr;
    }
    const Time now = scheduler_.time_of_round();
    state.locked = true;
    state.owner = owner;
    graph_.took(owner);
    state.since = now;
    state.token = tokens_->next();
    if (state.session != nullptr) {
        ++state.session->held;
    }
    key.holders_.push_back(state);
    ++key.holding_;
    ++holding_;
    LockStatistics& statistics = state.context->statistics_;
    ++statistics.acquired;
    if (wait == nullptr) {
        statistics.wait_time.record_nothing();
    } else {
        ++statistics.contended;
        statistics.wait_time.record(now - wait->since());
    }
    // An owner that waits for another lock, as a session may, can close a cycle by a new one.
    if (waiting_ != 0 && settings_.on_deadlock != OnDeadlock::ignore &&
        graph_.find(owner) != nullptr) {
        try {
            look_for_deadlocks_of(key);
        } catch (const std::bad_alloc&) {
            scheduler_.log_exception("looking for deadlocks");  // the lock is taken all the same
        }
    }
    return {};
}

void LockTable::released(LockState& state) noexcept {
    const Ref<LockKey> key = state.place;
    const Time now = scheduler_.time_of_round();
    List<LockState, LockKey>::remove(state);
    --key->holding_;
    --holding_;
    if (key->semaphore_ != nullptr) {
        key->semaphore_->used = now;
    }
    state.context->statistics_.hold_time.record(now - state.since);
    if (state.session != nullptr) {
        --state.session->held;
    }
    graph_.gave_back(state.owner);
    state.owner = {};
    if (state.seated_in != nullptr && scheduler_.traced()) {
        try {
            show_all();
        } catch (const std::bad_alloc&) {
            // The seat leaves unseen.
        }
    }
    if (state.seated_in != nullptr) {
        state.seated_in->leave_seat(state);
    } else if (state.event != nullptr && state.event->queued()) {
        scheduler_.ignore(*state.event);  // once it has left, its slot is free
    } else {
        try {
            serve_later(*key);
        } catch (const std::bad_alloc&) {
            key->serve();  // there is no memory for doing it later
        }
    }
}

void LockTable::check_limits(const LockState& state) {
    if (state.session_closed) {
        throw LockSessionClosed(describe_lock(state) + ": the session has been closed");
    }
    const auto refuse = [&](const std::string& limit) {
        ++state.context->statistics_.refused;
        throw LockLimitReached(describe_lock(state) + ": too many wait: " + limit);
    };
    std::size_t per_key = settings_.max_waiters_per_key;
    if (state.context->settings() != nullptr) {
        per_key = std::min(per_key, state.context->settings()->max_waiters_per_key);
    }
    if (state.place->waiting() >= per_key) {
        refuse("at most " + std::to_string(per_key) + " for a key (max_waiters_per_key)");
    }
    if (waiting_ >= settings_.max_waiters) {
        refuse("at most " + std::to_string(settings_.max_waiters) + " in all (max_waiters)");
    }
}

void LockTable::add(LockWait& wait) {
    graph_.add(wait);
    wait.serial_ = ++serials_;
    wait.state().place->add(wait);
    waits_.push_back(wait);
    ++waiting_;
}

void LockTable::remove(LockWait& wait) noexcept {
    graph_.remove(wait);
    wait.state().place->remove(wait);
    List<LockWait, LockTable>::remove(wait);
    --waiting_;
}

// --- what is done when the running routine waits

void LockTable::request_call() {
    if (!called_) {
        scheduler_.call_in_own_context(
            [table = Ref<LockTable>(this)](const Scheduler::Processor&) { table->do_calls(); });
        called_ = true;
    }
}

void LockTable::serve_later(LockKey& key) {
    if (key.waiting_ != 0) {
        to_serve_.emplace_back(&key);
        request_call();
    }
}

void LockTable::do_calls() noexcept {
    called_ = false;
    for (const auto& [serial, error] : std::exchange(to_fail_, {})) {
        for (LockWait& wait : waits_) {
            if (wait.serial() == serial) {
                wait.fail(error);
                break;
            }
        }
    }
    for (const Ref<LockKey>& key : std::exchange(to_serve_, {})) {
        key->serve();
    }
}

// --- deadlocks

void LockTable::look_for_deadlock(LockWait& wait) {
    if (settings_.on_deadlock == OnDeadlock::ignore) {
        return;
    }
    const std::vector<LockWait*> waits = graph_.deadlock_of(wait);
    if (waits.empty()) {
        return;
    }
    Deadlock deadlock = describe_deadlock(waits, scheduler_.now());
    const std::string text = deadlock.describe();
    scheduler_.log(LogLevel::warning, text);
    scheduler_.emergency_send(make_event<DeadlockEvent>(std::move(deadlock)));
    if (settings_.on_deadlock != OnDeadlock::fail_youngest) {
        return;
    }
    LockWait& youngest = **std::max_element(
        waits.begin(), waits.end(),
        [](const LockWait* a, const LockWait* b) { return a->serial() < b->serial(); });
    auto error = std::make_exception_ptr(DeadlockError(text));
    if (&youngest == &wait && !wait.suspended()) {
        wait.fail(std::move(error));
    } else {
        to_fail_.emplace_back(youngest.serial(), std::move(error));
        request_call();
    }
}

void LockTable::look_for_deadlocks_of(LockKey& key) {
    if (key.waiting_ != 0 && settings_.on_deadlock != OnDeadlock::ignore) {
        look_for_deadlock(key.waiters_.front());
    }
}

std::vector<Deadlock> LockTable::deadlocks() {
    std::vector<Deadlock> found;
    std::vector<const LockWait*> seen;
    for (LockWait& wait : waits_) {
        if (std::find(seen.begin(), seen.end(), &wait) == seen.end()) {
            const std::vector<LockWait*> waits = graph_.deadlock_of(wait);
            if (!waits.empty()) {
                found.push_back(describe_deadlock(waits, scheduler_.now()));
                seen.insert(seen.end(), waits.begin(), waits.end());
            }
        }
    }
    return found;
}

void LockTable::fail_waits(SessionRecord& session, const std::exception_ptr& error) noexcept {
    const LockOwner owner{nullptr, &session};
    for (WaitingOwner* waits = graph_.find(owner); waits != nullptr; waits = graph_.find(owner)) {
        waits->waits.front().fail(error);
    }
}

}  // namespace weir
