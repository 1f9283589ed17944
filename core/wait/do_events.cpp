#include "core/wait/do_events.h"

#include "core/run/routine.h"
#include "core/run/scheduler.h"

namespace weir {

void DoEvents::ask(Routine& routine) noexcept {
    go_on_ = &routine.scheduler().want_go_on();
}

}  // namespace weir
