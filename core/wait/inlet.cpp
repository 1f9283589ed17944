#include "core/wait/inlet.h"

#include <cassert>

#include "core/run/routine.h"
#include "core/run/scheduler.h"
#include "core/run/trace.h"

namespace weir {

bool Inlet::awaited() const noexcept {
    return wait_ != nullptr && wait_->event_ == nullptr;
}

void Inlet::receive(Event& event) noexcept {
    if (awaited()) {
        Routine& routine = *wait_->routine_;
        if (Tracer* const tracer = routine.scheduler().tracer()) [[unlikely]] {
            tracer->delivered(event, {}, routine);
        }
        wait_->event_ = Ref<Event>(&event);
        wait_->resume();
    } else if (!event.ignorable()) {
        blocked_ = Ref<Event>(&event);
    }
}

void Inlet::give(Ref<Event> event) {
    assert(awaited());
    Routine& routine = *wait_->routine_;
    routine.scheduler().make_ready(routine);
    wait_->event_ = std::move(event);
}

void NextOfInlet::begin(Routine& routine) {
    assert(inlet_.wait_ == nullptr);
    inlet_.wait_ = this;
    if (const Ref<Event> blocked = std::move(inlet_.blocked_)) {
        routine.scheduler().deliver_again(*blocked);
    }
}

}  // namespace weir
