#include "core/do_events.h"

#include "core/routine.h"
#include "core/scheduler.h"

namespace weir {

void DoEvents::ask(Routine& routine) noexcept {
    go_on_ = routine.scheduler().want_go_on();
}

}  // namespace weir
