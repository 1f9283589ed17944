#include "modules/lock/lock.h"

#include <stdexcept>

#include "core/auto_queue.h"
#include "core/send.h"
#include "core/syscall.h"
#include "core/wait.h"

namespace weir {

Lock::Lock(Scheduler& scheduler, IndexValue key, std::string context)
    : scheduler_(scheduler),
      key_(std::move(key)),
      context_(std::move(context)),
      state_(new LockState) {}

Ref<LockEvent> Lock::make_lock_event() const {
    const LockState* locker = state_.get();
    return make_event<LockEvent>(context_, key_, locker, state_);
}

Task<> Lock::lock() {
    if (locked()) {
        co_return;
    }
    if (beginning_ != nullptr) {
        const LockState* locker = state_.get();
        const auto taken = match<LockedEvent>(locker).make();
        co_await taken;
        co_return;
    }
    co_await take();
}

Task<> Lock::take() {
    // Kept here: the Lock may go while this waits for a place.
    const Ref<LockState> state = state_;
    Ref<Event> event = make_lock_event();
    co_await send(std::move(event));
    state->locked = true;
}

bool Lock::try_lock() {
    if (locked()) {
        return true;
    }
    if (beginning_ != nullptr || scheduler_.try_send(make_lock_event())) {
        return false;
    }
    state_->locked = true;
    return true;
}

Task<> Lock::take_and_tell() {
    co_await take();
    const LockState* locker = state_.get();
    Ref<Event> taken = make_event<LockedEvent>(locker, context_, key_, state_);
    co_await send(std::move(taken));
}

bool Lock::begin_lock(Container& container) {
    if (locked()) {
        return true;
    }
    if (beginning_ != nullptr) {
        return false;
    }
    beginning_ = container.start(take_and_tell(), {.name = "lock", .foreground = true});
    return locked();
}

void Lock::unlock() noexcept {
    if (beginning_ != nullptr) {
        beginning_->close();
        beginning_.reset();
    }
    if (locked()) {
        state_->locked = false;
        const LockState* locker = state_.get();
        scheduler_.ignore(match<LockEvent>(context_, key_, locker).make());
    }
}

Semaphore::Semaphore(Scheduler& scheduler, IndexValue key, std::size_t size, std::string context,
                     int priority)
    : scheduler_(scheduler),
      key_(std::move(key)),
      context_(std::move(context)),
      size_(size),
      priority_(priority) {}

void Semaphore::create() {
    if (queue_ != nullptr) {
        throw std::logic_error("the semaphore has been created already");
    }
    // No places are kept for lockers that did not hold one lately: a free place is for anyone.
    queue_ = scheduler_.queue().add(
        {}, priority_, match<LockEvent>(context_, key_).make(),
        {.max_default = size_,
         .kind = AutoQueue::factory({.key = EventKey::named("locker"),
                                     .preserve_for_new = 0,
                                     .subqueue_limit = 1})});
}

Task<> Semaphore::destroy() {
    if (queue_ == nullptr) {
        co_return;
    }
    const Ref<Queue> queue = std::move(queue_);
    Scheduler& scheduler = scheduler_;
    auto remove = [&](const Scheduler::Processor& processor) {
        remove_queue(scheduler, *queue, processor);
    };
    co_await syscall(std::move(remove));
}

Ref<Queue> add_lock_queue(Queue& root, int priority) {
    return root.add("lock", priority, match<LockEvent>().make(),
                    {.kind = AutoQueue::factory(
                         {.key = EventKey::named("key"), .subqueue_limit = 1})});
}

}  // namespace weir
