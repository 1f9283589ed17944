// The queue of the locks, from its making to its end.
#include "core/wait/run_in_scheduler.h"
#include "modules/lock/backend.h"
#include "modules/lock/errors.h"
#include "modules/lock/events.h"
#include "modules/lock/queue.h"
#include "modules/lock/table.h"

namespace weir {

Ref<Queue> add_lock_queue(Scheduler& scheduler, LockSettings settings,
                          std::unique_ptr<FencingTokens> tokens) {
    const int priority = settings.priority;
    const Ref<LockTable> table(new LockTable(scheduler, std::move(settings), std::move(tokens)));
    Ref<Queue> queue = scheduler.queue().add(
        "lock", priority, match<LockEvent>().make(),
        {.kind = [&](std::size_t) { return std::make_unique<LockQueue>(*table); }});
    table->queue_ = queue.get();
    table->leaf_ = static_cast<LockQueue*>(&queue->default_queue());
    return queue;
}

void LockTable::queue_is_gone(const LockQueue& queue) noexcept {
    if (&queue == leaf_) {
        queue_ = nullptr;
        leaf_ = nullptr;
        ++generation_;  // what is looked up from now on finds that there is no queue
    }
}

// Ends all waits, in the order in which they began. Code that runs then may end others.
void LockTable::fail_all(const std::exception_ptr& error) {
    std::vector<std::uint64_t> serials;
    std::vector<Ref<LockKey>> keys;
    for (const LockRequest* request : requests()) {
        serials.push_back(request->serial());
        keys.push_back(request->state().place);
    }
    for (std::size_t i = 0; i != serials.size(); ++i) {
        if (LockRequest* const request = find_request(*keys[i], serials[i])) {
            request->fail(error);
        }
    }
}

void LockTable::close(const Scheduler::Processor& processor) {
    const Ref<LockTable> keep(this);
    const auto error = std::make_exception_ptr(
        NoLockQueue("the lock queue has been removed: the module 'lock' was unloaded"));
    const Ref<Queue> queue(std::exchange(queue_, nullptr));
    ++generation_;
    try {
        fail_all(error);
        std::vector<Ref<LockEvent>> holders;
        for_each_key([&](const LockKey& key) {
            for (LockEvent& holder : key.holders()) {
                holders.emplace_back(&holder);
            }
        });
        for (const Ref<LockEvent>& holder : holders) {
            holder->give_back();
        }
        while (!semaphores_.empty()) {
            const Ref<LockKey> semaphore = semaphores_.back();
            const Ref<Queue> own(semaphore->semaphore_->queue);
            clear_queue(scheduler_, *own, processor);
            remove_queue(scheduler_, *own, processor);
            semaphore->semaphore_.reset();
            semaphores_.pop_back();
        }
        clear_queue(scheduler_, *queue, processor);
        remove_queue(scheduler_, *queue, processor);
    } catch (...) {
        queue_ = queue->removed() ? nullptr : queue.get();  // it can be tried again
        ++generation_;
        throw;
    }
}

Task<std::unique_ptr<LockBackend>> detach_lock_queue(Scheduler& scheduler, bool force) {
    const Ref<LockTable> table(LockTable::find(scheduler));
    if (table == nullptr) {
        co_return nullptr;
    }
    auto remove = [table, force](const Scheduler::Processor& processor) {
        if (!table->open()) {
            return;  // another call has removed it meanwhile
        }
        if (!force && (table->holding() != 0 || table->waiting() != 0)) {
            throw LocksInUse("locks are in use:\n" + describe(table->list_used()));
        }
        table->close(processor);
    };
    co_await run_in_scheduler(std::move(remove));
    co_return table->release_backend();
}

Task<> remove_lock_queue(Scheduler& scheduler, bool force) {
    const std::unique_ptr<LockBackend> backend = co_await detach_lock_queue(scheduler, force);
    if (backend != nullptr) {
        co_await backend->close();
    }
}

}  // namespace weir
