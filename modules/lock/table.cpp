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

namespace {

// Returns the lock queue in which the event takes a slot of the key; null if it does not.
LockQueue* queue_that_counts(LockEvent* event, const LockKey& key) noexcept {
    if (event == nullptr || event->place.get() != &key) {
        return nullptr;
    }
    LeafQueue* const queue = event->queued_in();
    return queue != nullptr && queue->kind() == LockQueue::kind_name
               ? static_cast<LockQueue*>(queue)
               : nullptr;
}

}  // namespace

std::string describe_lock(const IndexValue& key, const std::string& context) {
    return "lock '" + key_text(key) + "' in context '" + context + "'";
}

std::string describe_lock(const LockState& state) {
    return describe_lock(state.key, state.context->name());
}

LockTable::LockTable(Scheduler& scheduler, LockSettings settings,
                     std::unique_ptr<FencingTokens> tokens)
    : LockHome(scheduler),
      settings_(std::move(settings)),
      tokens_(tokens != nullptr ? std::move(tokens)
                                : program_tokens(scheduler, std::filesystem::path())),
      contexts_(settings_.separate_contexts) {
    for (const auto& [name, of_context] : settings_.contexts) {
        contexts_.keep(name, &of_context);
    }
    if (settings_.separate_contexts) {
        // Most locks are in it: it is not made anew each time that one is taken.
        contexts_.keep(default_context, contexts_.find(default_context) == nullptr
                                            ? nullptr
                                            : contexts_.find(default_context)->settings());
    }
}

// A key may be referred to by a guard that outlives the table.
LockTable::~LockTable() {
    shared_keys_.for_each([](LockKey& key) { key.map_ = nullptr; });
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
        const auto [own, is_new] = settings_.contexts.try_emplace(name, added);
        if (is_new && !contexts_.keep(name, &own->second)) {
            settings_.contexts.erase(own);
            scheduler_.log(LogLevel::warning, "the context '" + name +
                                                  "' is in use: its settings take effect when the "
                                                  "settings change while it is not");
        }
    }
    contexts_.for_each([&](LockContext& context) {
        context.keys().for_each([&](LockKey& key) {
            const std::size_t before = key.size_;
            apply_rules(context, key);
            if (key.size_ > before) {
                serve_later(key);
            } else if (key.size_ < before) {
                look_for_deadlocks_of(key);
            }
        });
    });
}

LockTable* LockTable::find(const Scheduler& scheduler) noexcept {
    const LeafQueue* taker = scheduler.queue().known_taker(event_type<LockEvent>());
    if (taker == nullptr || taker->kind() != LockQueue::kind_name) {
        const Queue* const queue = scheduler.queue().find("lock");
        if (queue == nullptr || queue->default_queue().kind() != LockQueue::kind_name) {
            return nullptr;
        }
        taker = &queue->default_queue();
    }
    return &static_cast<LockTable&>(static_cast<const LockQueue*>(taker)->home());
}

LockTable& LockTable::of(const Scheduler& scheduler) {
    if (LockTable* table = find(scheduler)) {
        return *table;
    }
    throw NoLockQueue("there is no lock queue; load the module 'lock' before making locks");
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

void LockTable::apply_rules(const LockContext& context, LockKey& key) const {
    key.by_rule_ = false;
    key.longest_hold_ = Duration::zero();
    key.bounds_holds_ = backend_ != nullptr;
    std::size_t size = 1;
    if (const LockContextSettings* const settings = context.settings()) {
        const auto matches = [&key](const auto& rule) { return rule.keys.matches(key.key()); };
        if (const auto rule = std::ranges::find_if(settings->semaphores, matches);
            rule != settings->semaphores.end()) {
            size = std::max<std::size_t>(rule->size, 1);
            key.by_rule_ = true;
        }
        if (const auto rule = std::ranges::find_if(settings->longest_holds, matches);
            rule != settings->longest_holds.end()) {
            key.longest_hold_ = rule->time;
            key.bounds_holds_ = key.bounds_holds_ || rule->time > Duration::zero();
        }
    }
    if (key.semaphore_ == nullptr) {  // else its maker has chosen the size
        key.size_ = size;
    }
}

LockKey& LockTable::find_or_make(LockContext& context, const IndexValue& key) {
    if (LockKey* const found = context.keys().find(key)) {
        return *found;
    }
    NodeMap<LockKey>& map = context.has_own_keys() ? context.keys() : shared_keys_;
    if (!context.has_own_keys()) {
        if (LockKey* const found = map.find(key)) {
            return *found;
        }
    }
    auto made = std::make_unique<LockKey>(*this, context.has_own_keys() ? &context : nullptr, key);
    if (context.settings() != nullptr || backend_ != nullptr) {
        apply_rules(context, *made);
    }
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

LockKey& LockTable::key_of(const LockEvent& event) {
    if (event.held) {
        return resolve(*event.locker.get());
    }
    const Ref<LockContext> context = contexts_.get(event.context);
    return find_or_make(*context, event.key.value());
}

// Moves the holders and waiters of a context from one LockKey to another. The events of holders
// that are in a queue still count for the old one, until they move to the queue of the new one.
void LockTable::move(LockKey& from, LockKey& to, const LockContext& context) {
    for (LockEvent* next = from.holders_.empty() ? nullptr : &from.holders_.front();
         next != nullptr;) {
        LockEvent& holder = *next;
        next = from.holders_.next(holder);
        if (holder.group.get() == &context) {
            to.holders_.push_back(holder);
            --from.holding_;
            ++to.holding_;
            if (holder.reads) {
                --from.reading_;
                ++to.reading_;
            }
            if (queue_that_counts(&holder, from) == nullptr) {
                holder.place = Ref<LockKey>(&to);  // otherwise its queue does that
            }
        }
    }
    for (LockRequest* next = from.waiters_.empty() ? nullptr : &from.waiters_.front();
         next != nullptr;) {
        LockRequest& waiter = *next;
        next = from.waiters_.next(waiter);
        if (waiter.state().context.get() == &context) {
            leave_line(waiter);
            to.waiters_.push_back(waiter);
            ++to.waiting_;
            waiter.state().place = Ref<LockKey>(&to);
            waiter.state().resolved_at = generation_;
        }
    }
}

// --- taking and giving back

// Returns the event by which the Lock takes its key. The event of the grant before is used again,
// unless an observer has kept it, for which it has to stay what it is.
inline LockEvent& LockTable::event_of(LockState& state, LockKey& key) {
    if (state.event == nullptr || (state.event->taken && !state.event->sole())) {
        Ref<LockEvent> made = make_event<LockEvent>(state.context->value(), state.key, &state);
        made->group = state.context;
        made->reads = state.reads;
        made->token = state.token();
        state.event = std::move(made);
    } else if (state.event->taken) {
        state.event->taken = false;
    }
    if (state.event->place.get() != &key) {
        state.event->place = Ref<LockKey>(&key);
    }
    return *state.event;
}

Matcher LockTable::take(LockState& state, LockOwner& owner, LockRequest* request) {
    if (state.session_closed) {
        throw LockSessionClosed(describe_lock(state) + ": the session has been closed");
    }
    LockKey& key = resolve(state);
    tokens_->ensure();
    if (LockQueue* const queue = queue_that_counts(state.event.get(), key)) {
        return queue->refuse(key);  // the event of the grant before has not left yet
    }
    LockEvent& event = event_of(state, key);
    event.asking = true;
    Matcher refused;
    try {
        refused = scheduler_.try_send(event);
    } catch (...) {
        event.asking = false;
        throw;
    }
    event.asking = false;
    if (refused) {
        return refused;
    }
    if (request != nullptr) {
        if (key.bounds_holds_) [[unlikely]] {
            event.remote = std::move(request->remote_);
        }
        remove(*request);
    }
    graph_.took(owner);
    event.set_held(true);
    event.taken = true;
    event.owner = std::move(owner);
    event.since = scheduler_.time_of_round();
    event.token = tokens_->next();
    if (key.bounds_holds_) [[unlikely]] {
        bound(event, key);
    }
    key.holders_.push_back(event);
    ++key.holding_;
    ++holding_;
    if (event.reads) [[unlikely]] {
        ++key.reading_;
    }
    LockStatistics& statistics = state.context->statistics();
    ++statistics.acquired;
    if (request == nullptr) {
        statistics.wait_time.record_nothing();
    } else {
        ++statistics.contended;
        statistics.wait_time.record(event.since - request->since());
    }
    // An owner that waits for another lock, as a session may, can close a cycle by a new one.
    if (waiting_ != 0 && settings_.on_deadlock != OnDeadlock::ignore &&
        graph_.find(event.owner) != nullptr) {
        try {
            look_for_deadlocks_of(key);
        } catch (const std::bad_alloc&) {
            scheduler_.log_exception("looking for deadlocks");  // the lock is taken all the same
        }
    }
    return {};
}

void LockTable::released(LockEvent& event) noexcept {
    LockKey& key = *event.place;
    const Time now = scheduler_.time_of_round();
    List<LockEvent, LockKey>::remove(event);
    --key.holding_;
    --holding_;
    if (event.reads) [[unlikely]] {
        --key.reading_;
    }
    if (key.semaphore_ != nullptr) {
        key.semaphore_->used = now;
    }
    if (event.bounded) [[unlikely]] {
        event.bounded = false;
        event.remote.reset();
    }
    event.group->statistics().hold_time.record(now - event.since);
    graph_.gave_back(event.owner);
    event.owner = {};
    if (event.queued()) {
        if (event.blocks() != nullptr) {
            scheduler_.ignore(event);
        }
        return;  // once it has left, its slot is free
    }
    const Ref<LockKey> keep(&key);
    try {
        serve_later(key);
    } catch (const std::bad_alloc&) {
        serve(key);  // there is no memory for doing it later
    }
}

// --- waiting

void LockTable::check_limits(const LockState& state) {
    if (state.session_closed) {
        throw LockSessionClosed(describe_lock(state) + ": the session has been closed");
    }
    const auto refuse = [&](const std::string& limit) {
        ++state.context->statistics().refused;
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

void LockTable::refuse_upgrade(const LockState& state, const LockOwner& owner) {
    const void* const identity = owner.identity();
    for (const LockEvent& holder : state.place->holders()) {
        if (identity != nullptr && holder.reads && holder.owner.identity() == identity) {
            throw UpgradeRefused(describe_lock(state) + ": " + owner.describe() +
                                 " holds it to read, and would wait for itself: give that back "
                                 "first");
        }
    }
}

void LockTable::line_up(LockRequest& request, const Matcher& refused) {
    LockState& state = request.state();
    LockKey& key = *state.place;
    request.since_ = scheduler_.time_of_round();
    if (refused) {
        key.wait_for(refused);
    }
    const bool may_close_circle = graph_.add(request);
    request.serial_ = ++serials_;
    key.waiters_.push_back(request);
    ++key.waiting_;
    ++state.waiting;
    ++waiting_;
    if (key.has_place() || backend_ != nullptr) {
        serve_later(key);
    }
    if (may_close_circle) {
        look_for_deadlock(request, true);
    }
}

// Takes the waiter out of the line of its key.
void LockTable::leave_line(LockRequest& request) noexcept {
    LockKey& key = *request.state().place;
    List<LockRequest, LockKey>::remove(request);
    const bool asked = request.remote_ != nullptr;
    request.remote_.reset();
    if (--key.waiting_ != 0) {
        if (asked || (key.reading_ != 0 && !request.state().reads)) [[unlikely]] {
            serve_next(key);  // the waiter behind it asks the backend now, or reads with others
        }
        return;
    }
    key.unsubscribe();
    if (key.semaphore_ != nullptr) {
        key.semaphore_->used = scheduler_.time_of_round();
    }
}

void LockTable::remove(LockRequest& request) noexcept {
    graph_.remove(request);
    leave_line(request);
    --request.state().waiting;
    --waiting_;
}

void LockTable::abandon(LockState& state) noexcept {
    while (!state.waiting_for_beginning.empty()) {
        state.waiting_for_beginning.front().lock_is_gone();
    }
    while (state.waiting != 0) {
        auto request = state.place->waiters_.begin();
        while (&request->state() != &state) {
            ++request;
        }
        request->lock_is_gone();
    }
}

void LockTable::serve(LockKey& key) noexcept {
    const Ref<LockKey> keep(&key);
    if (backend_ != nullptr) [[unlikely]] {
        serve_with_backend(key);
        return;
    }
    const auto first = [&key] { return key.waiting_ == 0 ? nullptr : &key.waiters_.front(); };
    for (LockRequest* request = first(); request != nullptr;) {
        LockState& state = request->state();
        if (state.held()) {
            // The same Lock is waited for twice: this wait ends when the holder's does, and the
            // waiters behind it need not wait for that.
            request = key.waiters_.next(*request);
            continue;
        }
        if (!key.has_place_for(state.reads) && !key.others_wait_ && !key.subscribed() &&
            !scheduler_.traced()) {
            key.waited_ = true;
            return;
        }
        Matcher refused;
        try {
            refused = take(state, request->owner_, request);
            if (refused && key.has_place_for(state.reads)) {
                // A slot is free, but not for this Lock: its own event has not left the queue yet.
                key.wait_for(refused);
                request = key.waiters_.next(*request);
                continue;
            }
            if (refused) {
                key.wait_for(refused);
                return;
            }
        } catch (...) {
            request->fail(std::current_exception());
            request = first();
            continue;
        }
        request->granted();
        request = first();
    }
    // Waiters are left whose Lock is held by the one before, or whose event has not left yet.
    key.waited_ = key.waited_ || key.waiting_ != 0;
}

// Grants free slots to the waiters of the key when the running routine waits again.
void LockTable::serve_later(LockKey& key) {
    if (key.waiting_ != 0) {
        to_serve_.emplace_back(&key);
        request_call();
    }
}

void LockTable::request_call() {
    if (!called_) {
        scheduler_.call_in_own_context(
            [table = Ref<LockTable>(this)](const Scheduler::Processor&) { table->do_calls(); });
        called_ = true;
    }
}

void LockTable::do_calls() noexcept {
    called_ = false;
    for (const auto& [serial, error] : std::exchange(to_fail_, {})) {
        LockRequest* failing = nullptr;
        for_each_key([&, wanted = serial](const LockKey& key) {
            LockRequest* const found = find_request(key, wanted);
            failing = found != nullptr ? found : failing;
        });
        if (failing != nullptr && error != nullptr) {
            failing->fail(error);
        } else if (failing != nullptr) {
            failing->not_free();
        }
    }
    for (const Ref<LockKey>& key : std::exchange(to_serve_, {})) {
        serve(*key);
    }
}

void LockTable::fail_waits(SessionRecord& session, const std::exception_ptr& error) noexcept {
    const LockOwner owner{nullptr, &session};
    for (WaitingOwner* waits = graph_.find(owner); waits != nullptr; waits = graph_.find(owner)) {
        waits->waits.front().fail(error);
    }
}

// Returns the waiter of that serial number if it waits for the key; null otherwise.
LockRequest* LockTable::find_request(const LockKey& key, std::uint64_t serial) noexcept {
    for (LockRequest& request : key.waiters_) {
        if (request.serial_ == serial) {
            return &request;
        }
    }
    return nullptr;
}

// All waiters, in the order in which they came.
std::vector<LockRequest*> LockTable::requests() const {
    std::vector<LockRequest*> all;
    all.reserve(waiting_);
    for_each_key([&](const LockKey& key) {
        for (LockRequest& request : key.waiters_) {
            all.push_back(&request);
        }
    });
    std::sort(all.begin(), all.end(),
              [](const LockRequest* a, const LockRequest* b) { return a->serial() < b->serial(); });
    return all;
}

}  // namespace weir
