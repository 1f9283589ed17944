#pragma once

#include <optional>

#include "core/run/event_handler.h"
#include "core/run/routine.h"
#include "core/wait/condition.h"
#include "core/wait/future.h"
#include "modules/queue/jobs.h"
#include "modules/system/module/module.h"

namespace weir::jobs {

// Sends an event Ready for each job that may be fetched, one after the other, when there is room
// for them: no call waits for the listeners' room, and ten thousand jobs flood nothing. A job that
// is fetched before its turn needs no event. When a listener begins that must miss nothing, it
// sends them again (ListenerBegins).
class ReadyEvents {
public:
    // Both must outlive it.
    ReadyEvents(Module& module, Jobs& jobs)
        : module_(module), jobs_(jobs), listeners_(module.scheduler()) {}

    void begin();
    void end() noexcept;
    // Jobs may have become ready.
    void look() noexcept { changed_.notify(); }
    // A change is on its way to the disk.
    void written_by(const Future<>& written) { written_ = written; }

private:
    Task<> send_some();

    Module& module_;
    Jobs& jobs_;
    std::optional<Future<>> written_;  // the last change
    Condition changed_;
    Ref<Routine> routine_;
    EventHandler listeners_;
};

}  // namespace weir::jobs
