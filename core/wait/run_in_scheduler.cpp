#include "core/wait/run_in_scheduler.h"

#include <stdexcept>

#include "core/run/routine.h"

namespace weir {

void RunInSchedulerBase::take_turn() noexcept {
    call_in(*routine_);
}

void RunInSchedulerBase::call_in(Routine& routine) {
    // Calls are made one at a time: this routine tries again after the pending call.
    if (routine.scheduler().call_pending()) {
        routine.scheduler().make_ready(routine);
        return;
    }
    call_->wait = this;
    routine.scheduler().call_in_own_context(
        [shared = call_](const Scheduler::Processor& processor) mutable {
            Ref<Call> call = std::move(shared);
            if (call->wait == nullptr) {
                return;  // the calling routine was closed
            }
            try {
                call->perform(processor);
            } catch (...) {
                if (call->wait == nullptr) {
                    throw;  // no routine is left to catch it: the scheduler logs it
                }
                call->exception = std::current_exception();
            }
            if (RunInSchedulerBase* wait = call->wait) {
                // Destroyed before the routine continues, which may unload the library with the
                // call's code.
                call = {};
                wait->routine_->wait_is_over(*wait);
            }
        });
}

namespace {

void forget_blocked(Scheduler& scheduler, Queue& queue) {
    queue.for_each([&](Event& event) { scheduler.forget_blocked(event); });
}

void tell(QueueSignals& signals, const Scheduler::Processor& processor) {
    while (!signals.serving.empty()) {
        signals.serving.pop_front().serve_waiters();
    }
    for (const auto& signal : signals.can_write) {
        processor(signal);
    }
    for (const auto& signal : signals.empty) {
        processor(signal);
    }
}

}  // namespace

void clear_queue(Scheduler& scheduler, Queue& queue, const Scheduler::Processor& processor) {
    // Blocked events must leave the scheduler's tree before the queue drops them.
    forget_blocked(scheduler, queue);
    QueueSignals signals;
    queue.clear(signals);
    tell(signals, processor);
}

void remove_queue(Scheduler& scheduler, Queue& queue, const Scheduler::Processor& processor) {
    Queue* parent = queue.parent();
    if (parent == nullptr) {
        throw std::invalid_argument("queue '" + queue.name() +
                                    "' cannot be removed: it is the root or has been removed");
    }
    forget_blocked(scheduler, queue);
    QueueSignals signals;
    parent->remove(queue, signals);
    tell(signals, processor);
}

}  // namespace weir
