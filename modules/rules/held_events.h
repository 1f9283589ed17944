#pragma once

#include <cstddef>
#include <utility>

#include "core/queue/queue.h"
#include "core/run/scheduler.h"
#include "modules/rules/events.h"

namespace weir::rules {

// Holds the events of a queue back while at least one rule has no room for them: they wait there,
// and when the queue is full, so do their senders. Requires a queue in which a blocked event holds
// back all others, as in a FifoQueue.
class HeldEvents {
public:
    explicit HeldEvents(Ref<Queue> queue) noexcept : queue_(std::move(queue)) {}
    HeldEvents(const HeldEvents&) = delete;
    HeldEvents& operator=(const HeldEvents&) = delete;
    ~HeldEvents() { let_go(); }

    void hold() {
        if (holders_ == 0) {
            auto held = make_event<QueueHeld>();
            queue_->default_queue().block(*held);
            held_ = std::move(held);
        }
        ++holders_;
    }
    void release() noexcept {
        if (--holders_ == 0) {
            let_go();
        }
    }

private:
    void let_go() noexcept {
        if (held_ != nullptr) {
            Queue::unblock(*held_);
            held_ = nullptr;
        }
    }

    const Ref<Queue> queue_;
    Ref<QueueHeld> held_;
    std::size_t holders_ = 0;
};

}  // namespace weir::rules
