#include "modules/lock/semaphore.h"

#include <stdexcept>

#include "core/wait/run_in_scheduler.h"
#include "modules/lock/table.h"

namespace weir {

Semaphore::Semaphore(Scheduler& scheduler, IndexValue key, std::size_t size, std::string context,
                     int priority)
    : scheduler_(scheduler),
      key_(std::move(key)),
      context_(std::move(context)),
      size_(size),
      priority_(priority) {
    if (key_.kind() == IndexValue::Kind::text && key_.text().empty()) {
        throw std::invalid_argument("the key of a semaphore is empty");
    }
}

void Semaphore::create() {
    LockTable::of(scheduler_).create_semaphore(context_, key_, size_, priority_);
    created_ = true;
}

void Semaphore::ensure() {
    LockTable& table = LockTable::of(scheduler_);
    if (table.has_semaphore(context_, key_)) {
        table.resize_semaphore(context_, key_, size_);
    } else {
        table.create_semaphore(context_, key_, size_, priority_);
    }
    created_ = true;
}

void Semaphore::resize(std::size_t size) {
    LockTable::of(scheduler_).resize_semaphore(context_, key_, size);
    size_ = size;
}

Task<> Semaphore::destroy() {
    if (!created_) {
        co_return;
    }
    created_ = false;
    co_await destroy_semaphore(scheduler_, key_, context_);
}

Task<> destroy_semaphore(Scheduler& scheduler, IndexValue key, std::string context) {
    auto destroy = [&](const Scheduler::Processor& processor) {
        LockTable::of(scheduler).destroy_semaphore(context, key, processor);
    };
    co_await run_in_scheduler(std::move(destroy));
}

}  // namespace weir
