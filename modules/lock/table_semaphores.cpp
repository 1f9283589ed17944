// Semaphores: keys with a queue, and a size, of their own.

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>

#include "core/wait/run_in_scheduler.h"
#include "modules/lock/errors.h"
#include "modules/lock/events.h"
#include "modules/lock/queue.h"
#include "modules/lock/table.h"

namespace weir {

namespace {

std::string named(const IndexValue& key, const std::string& context) {
    return "semaphore '" + key_text(key) + "' in context '" + context + "'";
}

void check_size(const IndexValue& key, const std::string& context, std::size_t size) {
    if (size == 0) {
        throw std::invalid_argument(named(key, context) + ": its size is 0");
    }
}

}  // namespace

LockKey* LockTable::find_semaphore(const LockContext& context,
                                   const IndexValue& key) const noexcept {
    LockKey* const found = context.keys().find(key);
    return found != nullptr && found->semaphore_ != nullptr ? found : nullptr;
}

void LockTable::create_semaphore(std::string_view context_name, const IndexValue& key,
                                 std::size_t size, int priority, std::string made_by,
                                 std::string client) {
    const Ref<LockContext> of = context(context_name);
    check_size(key, of->name(), size);
    if (const LockKey* found = find_semaphore(*of, key)) {
        throw std::logic_error(named(key, of->name()) + " exists already, with size " +
                               std::to_string(found->size()) + weir::made_by(*found));
    }
    const Ref<LockKey> before(&find_or_make(*of, key));
    const Ref<LockKey> made(new LockKey(*this, of.get(), key));
    std::vector<Ref<LockEvent>> events;
    for (const LockEvent& holder : before->holders_) {
        if (holder.group == of) {
            events.push_back(make_event<LockEvent>(of->value(), key, holder.locker.get()));
        }
    }
    made->size_ = size;
    const Ref<Queue> queue = scheduler_.queue().add(
        {}, priority, match<LockEvent>(of->name(), key).make(),
        {.kind = [this](std::size_t) { return std::make_unique<LockQueue>(*this); }});
    const Time now = scheduler_.now();
    made->semaphore_ = std::make_unique<SemaphoreRecord>(
        SemaphoreRecord{queue.get(), std::move(made_by), std::move(client), now, now});
    apply_rules(*of, *made);
    if (before->map_ == &of->keys()) {
        of->keys().erase(*before);
        before->map_ = nullptr;
    }
    of->keys().insert(*made);
    made->map_ = &of->keys();
    semaphores_.push_back(made);
    ++generation_;
    move(*before, *made, *of);
    for (const Ref<LockEvent>& event : events) {
        move_to_own_queue(*event->locker.get()->event, event, *made);
    }
    serve_later(*made);
}

// The holder takes a slot in the queue of the semaphore by a new event; the old one leaves its
// queue.
void LockTable::move_to_own_queue(LockEvent& held, const Ref<LockEvent>& event, LockKey& key) {
    const Ref<LockEvent> keep(&held);
    event->place = Ref<LockKey>(&key);
    event->group = held.group;
    event->reads = held.reads;
    event->token = held.token;
    event->since = held.since;
    event->taken = true;
    event->owner = std::exchange(held.owner, {});
    event->set_held(held.held);
    held.set_held(false);
    event->bounded = std::exchange(held.bounded, false);
    event->end_of_time = held.end_of_time;
    event->remote = std::move(held.remote);
    if (event->remote != nullptr) {
        event->remote->holder = event.get();
    }
    List<LockEvent, LockKey>::insert_before(held, *event);
    List<LockEvent, LockKey>::remove(held);
    held.successor = event->locker.get()->event = event;
    event->asking = true;
    scheduler_.emergency_send(event);
    event->asking = false;
    scheduler_.ignore(held);
}

void LockTable::create_semaphore_of_client(std::string_view context_name, const IndexValue& key,
                                           std::size_t size, std::string made_by,
                                           std::string client) {
    check_key(key, context_name);
    const Ref<LockContext> of = context(context_name);
    check_size(key, of->name(), size);
    const auto made_by_clients = std::count_if(
        semaphores_.begin(), semaphores_.end(),
        [](const Ref<LockKey>& semaphore) { return !semaphore->semaphore()->made_by.empty(); });
    if (find_semaphore(*of, key) == nullptr) {
        if (static_cast<std::size_t>(made_by_clients) >= settings_.max_semaphores) {
            throw LockLimitReached(named(key, of->name()) + ": there are " +
                                   std::to_string(made_by_clients) +
                                   " semaphores of clients already, as many as are allowed "
                                   "(max_semaphores)");
        }
        const auto of_client = std::ranges::count_if(semaphores_, [&](const auto& semaphore) {
            return semaphore->semaphore()->client == client;
        });
        if (!client.empty() &&
            static_cast<std::size_t>(of_client) >= settings_.max_semaphores_of_one) {
            throw LockLimitReached(named(key, of->name()) + ": " + client + " has made " +
                                   std::to_string(of_client) +
                                   " already, as many as are allowed (max_semaphores_of_one)");
        }
        // An exclusive lock would not be exclusive any more.
        if (const Ref<LockKey> found(&find_or_make(*of, key)); found->in_use()) {
            throw LocksInUse(named(key, of->name()) + " cannot be made while the key is in use: " +
                             describe({listing_of(*found)}));
        }
    }
    create_semaphore(context_name, key, size, client_semaphore_priority, std::move(made_by),
                     std::move(client));
}

bool LockTable::has_semaphore(std::string_view context_name, const IndexValue& key) {
    return find_semaphore(*context(context_name), key) != nullptr;
}

void LockTable::resize_semaphore(std::string_view context_name, const IndexValue& key,
                                 std::size_t size) {
    const Ref<LockContext> of = context(context_name);
    LockKey* const semaphore = find_semaphore(*of, key);
    if (semaphore == nullptr) {
        throw std::invalid_argument("there is no " + named(key, of->name()));
    }
    check_size(key, of->name(), size);
    const bool larger = size > semaphore->size_;
    semaphore->size_ = size;
    semaphore->semaphore_->used = scheduler_.now();
    if (larger) {
        serve_later(*semaphore);
    } else {
        look_for_deadlocks_of(*semaphore);
    }
}

void LockTable::destroy_semaphore(std::string_view context_name, const IndexValue& key,
                                  const Scheduler::Processor& processor) {
    const Ref<LockContext> of = context(context_name);
    if (LockKey* const semaphore = find_semaphore(*of, key)) {
        destroy_semaphore(*of, *semaphore, processor);
    }
}

void LockTable::destroy_semaphore(LockContext& context, LockKey& semaphore,
                                  const Scheduler::Processor& processor) {
    const Ref<LockKey> keep(&semaphore);
    const Ref<LockContext> keep_context(&context);
    std::erase(semaphores_, keep);
    context.keys().erase(semaphore);
    semaphore.map_ = nullptr;
    ++generation_;
    const Ref<LockKey> now_on(&find_or_make(context, semaphore.key()));
    move(semaphore, *now_on, context);
    Queue& queue = *semaphore.semaphore_->queue;
    semaphore.semaphore_.reset();
    remove_queue(scheduler_, queue, processor);
    serve(*now_on);
    look_for_deadlocks_of(*now_on);
}

std::optional<Time> LockTable::next_semaphore_expiry() const noexcept {
    std::optional<Time> next;
    for (const Ref<LockKey>& key : semaphores_) {
        if (const std::optional<Time> end = expiry(*key); end && (!next || *end < *next)) {
            next = end;
        }
    }
    return next;
}

// When the semaphore expires if it is not used before; nothing if it does not expire now.
std::optional<Time> LockTable::expiry(const LockKey& key) const noexcept {
    const SemaphoreRecord& semaphore = *key.semaphore();
    if (semaphore.made_by.empty() || key.in_use() ||
        settings_.semaphore_idle_timeout <= Duration()) {
        return std::nullopt;
    }
    return semaphore.used + settings_.semaphore_idle_timeout;
}

void LockTable::destroy_expired_semaphores(const Scheduler::Processor& processor) {
    const Time now = scheduler_.now();
    std::vector<Ref<LockKey>> expired;
    for (const Ref<LockKey>& key : semaphores_) {
        if (const std::optional<Time> end = expiry(*key); end && *end <= now) {
            expired.push_back(key);
        }
    }
    for (const Ref<LockKey>& key : expired) {
        const Ref<LockContext> of = key->context_;
        scheduler_.log(LogLevel::info, named(key->key(), of->name()) + weir::made_by(*key) +
                                           ", was not used for semaphore_idle_timeout: destroyed");
        destroy_semaphore(*of, *key, processor);
    }
}

std::string made_by(const LockKey& key) {
    const SemaphoreRecord* const semaphore = key.semaphore();
    if (semaphore == nullptr) {
        return key.is_semaphore() ? ", made by the settings" : "";
    }
    return ", made by " + (semaphore->made_by.empty() ? "a module" : semaphore->made_by);
}

}  // namespace weir
