// Semaphores: keys with a queue, and a size, of their own.

#include <memory>
#include <stdexcept>
#include <string>

#include "core/wait/run_in_scheduler.h"
#include "modules/lock/events.h"
#include "modules/lock/queue.h"
#include "modules/lock/table.h"

namespace weir {

LockKey* LockTable::find_semaphore(const LockContext& context,
                                   const IndexValue& key) const noexcept {
    LockKey* const found = context.keys_.find(key);
    return found != nullptr && found->semaphore_queue_ != nullptr ? found : nullptr;
}

void LockTable::create_semaphore(std::string_view context_name, const IndexValue& key,
                                 std::size_t size, int priority) {
    const Ref<LockContext> of = context(context_name);
    if (size == 0) {
        throw std::invalid_argument("semaphore '" + key_text(key) + "': its size is 0");
    }
    if (find_semaphore(*of, key) != nullptr) {
        throw std::logic_error("there is a semaphore '" + key_text(key) + "' in context '" +
                               of->name() + "' already");
    }
    show_all();
    const Ref<LockKey> before(&find_or_make(*of, key));
    const Ref<LockKey> made(new LockKey(*this, of.get(), key));
    made->size_ = size;
    const Ref<Queue> queue = scheduler_.queue().add(
        {}, priority, match<LockEvent>(of->name(), key).make(),
        {.kind = [this](std::size_t) { return std::make_unique<LockQueue>(*this); }});
    made->semaphore_queue_ = queue.get();
    if (before->map_ == &of->keys_) {
        of->keys_.erase(*before);
        before->map_ = nullptr;
    }
    of->keys_.insert(*made);
    made->map_ = &of->keys_;
    semaphores_.push_back(made);
    ++generation_;
    move(*before, *made, *of);
    // What is held takes a place in the new queue; the events in the old one leave it.
    for (LockState& holder : made->holders_) {
        const LockState* const locker = &holder;
        const Ref<LockEvent> event =
            make_event<LockEvent>(of->value(), key, locker, Ref<LockState>(&holder));
        LockEvent* const old = std::exchange(holder.event, event.get());
        scheduler_.emergency_send(event);
        if (old != nullptr) {
            scheduler_.ignore(*old);
        }
    }
    serve_later(*made);
}

void LockTable::resize_semaphore(std::string_view context_name, const IndexValue& key,
                                 std::size_t size) {
    const Ref<LockContext> of = context(context_name);
    LockKey* const semaphore = find_semaphore(*of, key);
    if (semaphore == nullptr) {
        throw std::invalid_argument("there is no semaphore '" + key_text(key) + "' in context '" +
                                    of->name() + "'");
    }
    if (size == 0) {
        throw std::invalid_argument("semaphore '" + key_text(key) + "': its size is 0");
    }
    const bool larger = size > semaphore->size_;
    semaphore->size_ = size;
    if (larger) {
        serve_later(*semaphore);
    } else {
        look_for_deadlocks_of(*semaphore);
    }
}

void LockTable::destroy_semaphore(std::string_view context_name, const IndexValue& key,
                                  const Scheduler::Processor& processor) {
    const Ref<LockContext> of = context(context_name);
    const Ref<LockKey> semaphore(find_semaphore(*of, key));
    if (semaphore == nullptr) {
        return;
    }
    show_all();
    std::erase(semaphores_, semaphore);
    of->keys_.erase(*semaphore);
    semaphore->map_ = nullptr;
    ++generation_;
    const Ref<LockKey> now_on(&find_or_make(*of, key));
    move(*semaphore, *now_on, *of);
    remove_queue(scheduler_, *std::exchange(semaphore->semaphore_queue_, nullptr), processor);
    now_on->serve();
    look_for_deadlocks_of(*now_on);
}

}  // namespace weir
