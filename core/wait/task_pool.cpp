#include "core/wait/task_pool.h"

#include <algorithm>

#include "core/run/scheduler.h"

namespace weir {

// --- PooledWork

void PooledWork::tell() {
    pool_->scheduler_.emergency_send(std::exchange(ended_, nullptr));
}

void PooledWork::abandon() noexcept {
    if (pool_ == nullptr) {
        return;
    }
    abandoned_ = true;
    if (started_) {
        pool_->scheduler_.poller().cancel_work(*this);
        return;
    }
    // Takes over the reference that submit() added.
    const Ref<PooledWork> last = Ref<PooledWork>::adopt(this);
    --pool_->waiting_count_;
    pool_ = nullptr;
    ended_ = nullptr;
    unlink();
}

void PooledWork::done(bool) noexcept {
    const Ref<PooledWork> last = Ref<PooledWork>::adopt(this);
    if (pool_ == nullptr) {
        return;
    }
    // Before the exchange below, because tell() sends through the pool.
    if (!abandoned_) {
        tell();
    }
    ended_ = nullptr;
    TaskPool& pool = *std::exchange(pool_, nullptr);
    unlink();
    --pool.running_;
    pool.start_waiting();
}

// --- TaskPool

TaskPool::TaskPool(Scheduler& scheduler, std::size_t limit) noexcept
    : scheduler_(scheduler), limit_(std::max<std::size_t>(limit, 1)) {}

std::shared_ptr<TaskPool> TaskPool::make_shared(Scheduler& scheduler, std::size_t limit) {
    return std::make_shared<TaskPool>(scheduler, limit);
}

TaskPool::~TaskPool() {
    while (!waiting_.empty()) {
        const Ref<PooledWork> last = Ref<PooledWork>::adopt(&waiting_.front());
        last->pool_gone_ = true;
        leave(*last);
    }
    while (!started_.empty()) {
        // Runs on another thread and cannot be freed: done() drops the last reference later.
        PooledWork& work = started_.front();
        work.pool_gone_ = true;
        leave(work);
        scheduler_.poller().cancel_work(work);
    }
}

// The pool has finished with the work: its routine learns it.
void TaskPool::leave(PooledWork& work) {
    if (!work.abandoned_) {
        work.tell();
    }
    work.ended_ = nullptr;
    work.pool_ = nullptr;
    work.unlink();
}

void TaskPool::submit(PooledWork& work) {
    const FutureStateBase* identity = &work;
    Ref<FutureEvent> ended = make_event<FutureEvent>(identity, Ref<FutureStateBase>(&work));
    // start() may throw, so that the work belongs to the pool only afterwards.
    if (running_ < limit_) {
        start(work);
    } else {
        waiting_.push_back(work);
        ++waiting_count_;
    }
    work.pool_ = this;
    work.ended_ = std::move(ended);
    work.retain();
}

void TaskPool::start(PooledWork& work) {
    scheduler_.poller().start_work(work);
    work.started_ = true;
    started_.push_back(work);
    ++running_;
}

// Called when a function has ended, where nothing may throw.
void TaskPool::start_waiting() noexcept {
    while (running_ < limit_ && !waiting_.empty()) {
        PooledWork& work = waiting_.front();
        --waiting_count_;
        try {
            start(work);
        } catch (const std::bad_alloc&) {
            const Ref<PooledWork> last = Ref<PooledWork>::adopt(&work);
            work.out_of_memory_ = true;
            leave(work);
        }
    }
}

}  // namespace weir
